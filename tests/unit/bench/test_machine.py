import platform

from bench.machine import cpu_model, version_of


def test_the_processor_is_told_by_its_name_or_else_by_its_architecture() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Old Faithful 3000\nmodel name\t: other\n") == "Old Faithful 3000"
    assert cpu_model("processor\t: 0\nFeatures\t: fp asimd\n") == platform.machine()


def test_a_package_that_is_not_there_has_no_version() -> None:
    assert version_of("asyncssh")
    assert version_of("no-such-package-anywhere") == ""
