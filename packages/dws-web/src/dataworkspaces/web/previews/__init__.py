"""What the page shows of a kind of file: the contract of ``dataworkspaces.previews``.

A preview turns the content of a file into blocks. A block is data, and never HTML: the page makes elements of it whose
text is text, whatever is in the file."""

from dataworkspaces.web.previews.blocks import Block, Code, Image, Markdown, Table, Text
from dataworkspaces.web.previews.contract import Preview

__all__ = ["Block", "Code", "Image", "Markdown", "Preview", "Table", "Text"]
