"""The text of manifests: the format of release 1.6, and names of any bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree import Entry, format_manifest, parse_manifest
from dataworkspaces.filetree.contents import contents_if_plain
from dataworkspaces.filetree.manifest import _parse_lines

HASH = "da39a3ee5e6b4b0d3255bfef95601890afd80709"

any_name = (
    st.binary(min_size=1, max_size=40)
    .map(lambda b: b.replace(b"\0", b"").replace(b"/", b"").decode("utf-8", "surrogateescape"))
    .filter(lambda name: name not in ("", ".", ".."))
)
awkward_name = st.text(alphabet='\\"\t\n nt', min_size=1, max_size=8)
entry = st.one_of(
    st.builds(Entry, st.integers(min_value=0).map(str), st.just("blob"), any_name | awkward_name),
    st.builds(Entry, st.just(HASH), st.sampled_from(["blob", "tree", "link"]), any_name | awkward_name),
)


@pytest.mark.slow
@given(st.lists(entry, unique_by=lambda e: e.name))
def test_what_is_written_is_read(entries: list[Entry]) -> None:
    assert sorted(parse_manifest(format_manifest(entries))) == sorted(entries)


@pytest.mark.slow
@given(st.lists(entry, unique_by=lambda e: e.name), st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(entries: list[Entry], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert format_manifest(shuffled) == format_manifest(entries)


@pytest.mark.parametrize("name", ["a", "with blank é", "a\\n", 'say "hi"', '"', "a\rb", ".hidden", "-x"])
def test_an_ordinary_name_is_written_as_it_is(name: str) -> None:
    assert format_manifest([Entry("3", "blob", name)]) == f"3\tblob\t{name}\n".encode()


def test_entries_are_in_the_order_of_their_bytes_whatever_they_are() -> None:
    entries = [Entry("1", "blob", name) for name in ("b", "a.txt", "Z", "é", "\udcff")] + [Entry(HASH, "tree", "aa")]
    assert [e.name for e in parse_manifest(format_manifest(entries))] == ["Z", "a.txt", "aa", "b", "é", "\udcff"]


@pytest.mark.parametrize(
    "line",
    [
        "3 blob a",
        "3\tblob",
        "3\tfile\ta",
        "x\tblob\ta",
        "-3\tblob\ta",
        f"{HASH[:-1]}\ttree\ta",
        "3\ttree\ta",
        f"{HASH}\ttree\t..",
        f"{HASH}\ttree\t.",
        f"{HASH}\ttree\t",
        "3\tblob\ta/b",
        "3\tblob\t/etc/passwd",
        "3\tblob\ta\0b",
        '3\tblob\t".."',
    ],
)
def test_a_line_that_is_not_valid_is_named(line: str) -> None:
    with pytest.raises(MetadataError, match="Line 2 of the manifest x is not valid"):
        parse_manifest(f"1\tblob\tok\n{line}\n".encode(), "the manifest x")


_pieces = st.sampled_from(
    [
        HASH,
        f"3:{'0a' * 32}",
        "17",
        "blob",
        "exec",
        "tree",
        "link",
        "\t",
        "\t",
        "\t",
        "\n",
        "\n",
        "a",
        "é",
        ".",
        '"',
        "/",
        "\0",
    ]
)


@given(st.lists(_pieces, max_size=24).map("".join))
def test_what_is_read_at_once_is_what_each_line_says(text: str) -> None:
    def read(parse: Callable[[bytes, str], object]) -> object:
        try:
            return parse(text.encode(), "it")
        except MetadataError as e:
            return e.message

    assert read(parse_manifest) == read(_parse_lines)


_contents = st.sampled_from(
    [
        "3",
        ":",
        ":",
        "0a" * 32,
        "0A" * 32,
        "blob",
        "exec",
        "link",
        "tree",
        "\t",
        "\t",
        "\n",
        "\n",
        "a",
        ".",
        '"',
        "/",
        "é",
    ]
)
_content_lines = st.sampled_from(
    [f"3:{'0a' * 32}\tblob\tname\n", f"17:{'b1' * 32}\texec\té\n", f"0:{'0a' * 32}\tlink\tb\n"]
)


@given(st.lists(_content_lines | _contents, max_size=20).map("".join))
def test_contents_that_are_read_at_once_are_what_each_line_says(text: str) -> None:
    found = contents_if_plain(text.encode())
    if found is not None:
        told = [(f"{size}:{digest.hex()}", kind, name) for name, kind, (size, digest) in zip(*found, strict=True)]
        assert told == _parse_lines(text.encode(), "it")


def test_contents_are_read_at_once_unless_something_else_is_among_them() -> None:
    content, digest = f"3:{'0a' * 32}", "0a" * 32
    plain = [Entry(content, "blob", "a"), Entry(content, "exec", "b"), Entry(f"12:{digest}", "link", "é")]
    found = contents_if_plain(format_manifest(plain))
    assert found is not None
    assert (found.names, found.kinds) == (["a", "b", "é"], ["blob", "exec", "link"])
    assert [each.text for each in found.ids] == [content, content, f"12:{digest}"]
    for other in (
        Entry(HASH, "tree", "c"), Entry("3", "blob", "c"), Entry(HASH, "link", "c"), Entry(content, "blob", "c:d"),
        Entry(content, "blob", 'say "hi"'), Entry(f"{10**19}:{digest}", "blob", "c"),
        Entry(content.upper(), "blob", "c"),
        Entry(f":{digest}", "blob", "c"), Entry(f"3:{digest[2:]}", "blob", "c"), Entry(content, "blob", ".."),
    ):  # fmt: skip
        assert contents_if_plain(format_manifest([*plain, other])) is None


@pytest.mark.slow
@given(st.lists(entry, unique_by=lambda e: e.name, min_size=1))
def test_plain_names_are_written_as_among_others(entries: list[Entry]) -> None:
    together = format_manifest([*entries, Entry("1", "blob", "\udcff")])
    assert format_manifest(entries) == together.replace(b"1\tblob\t\xff\n", b"", 1)
