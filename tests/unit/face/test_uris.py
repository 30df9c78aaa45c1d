from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.face.uris import Kind, Located, host_uri, located, output_uri

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(NAMES)
def test_an_address_leads_back_to_its_name(name: str) -> None:
    assert located(host_uri(name)) == Located(Kind.HOST, name)
    assert located(host_uri(name) + "/tags") == Located(Kind.TAGS, name)
    assert located(host_uri(name) + "/capabilities") == Located(Kind.CAPABILITIES, name)
    assert located(output_uri(name)) == Located(Kind.OUTPUT, name)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_and_none_leads_to_two_places(text: str) -> None:
    for prefix in ("", "ssh://", "ssh://host/", "ssh://output/", "ssh://host/a/"):
        where = located(prefix + text)
        assert where is None or where.kind in Kind


def test_names_of_hosts_stand_in_addresses_as_they_are() -> None:
    assert host_uri("core.sw-1_a") == "ssh://host/core.sw-1_a"
