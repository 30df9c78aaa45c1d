import hashlib

from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.capture import HeadTail


@given(st.lists(st.binary(max_size=40)), st.integers(1, 64))
def test_head_and_tail_are_what_was_sent_whatever_the_chunks(chunks: list[bytes], limit: int) -> None:
    kept = HeadTail(limit)
    for chunk in chunks:
        kept.feed(chunk)
    sent, got = b"".join(chunks), kept.captured()
    assert got.total == len(sent)
    assert sent.startswith(got.head)
    assert sent.endswith(got.tail)
    assert got.sha256 == hashlib.sha256(sent).hexdigest()
    if len(sent) <= limit:
        assert (got.head, got.tail, got.omitted) == (sent, b"", 0)
    else:
        assert len(got.head) + len(got.tail) == limit


def test_memory_stays_near_the_limit_however_much_comes() -> None:
    kept = HeadTail(1000)
    for _ in range(10_000):
        kept.feed(b"x" * 100)
        assert len(kept._tail) <= 1000
    assert kept.captured().omitted == 999_000
