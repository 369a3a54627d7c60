"""Runs: what one execution of a step that writes results leaves in the results directory.

A run has an id, a log that grows while it runs (:mod:`.log`), and a list of its files. What an earlier run left moves
aside when a new one begins (:mod:`.earlier`); two at a time do not write to one place (:mod:`.active`).
"""
