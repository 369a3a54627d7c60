"""Libraries of others, as their makers published them. ``scripts/vendor_javascript.py`` puts them here."""
