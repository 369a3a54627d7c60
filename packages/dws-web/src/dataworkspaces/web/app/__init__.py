"""The front end, as `scripts/frontend.py` builds it from the folder `frontend` of this distribution."""
