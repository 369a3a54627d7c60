"""``dws web``: the pages, served to the browsers of this machine."""
