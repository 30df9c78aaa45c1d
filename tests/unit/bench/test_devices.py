from bench.devices import normalised


def test_outputs_are_compared_without_blanks_at_line_ends_and_empty_lines_at_either_end() -> None:
    ours = b"Interface  Status  \n\neth0       up      \n\n"
    theirs = b"\r\nInterface  Status\r\n\r\neth0       up"
    assert normalised(ours) == normalised(theirs) == b"Interface  Status\n\neth0       up"
    assert normalised(b"  eth0 up") != normalised(b"eth0 up")
