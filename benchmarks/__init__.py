"""Operations of ours against the same ones of a peer: see README.md."""
