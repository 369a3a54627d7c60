"""What happens to a workspace: each operation stands here once, for every backend, as functions that are given it.

The methods of the manual's classes hand them over: they do what stands here, unless a backend overrides them. So an
operation calls the workspace's methods, and not another operation that a backend may have replaced.
"""
