from local_cluster import packages
from tools import debian


def test_every_program_has_its_package() -> None:
    found = packages.package_of_program()

    assert found["nft"] == "nftables"
    assert {"ip", "iptables", "mount", "nsenter", "runc", "setpriv", "unshare"} <= set(found)
    assert "buildah" not in found


def test_what_is_installed_and_what_is_wanted_are_one_list() -> None:
    cluster = [package for package in debian.packages() if "cluster" in package.purposes]
    plugins = packages.cni_plugins()

    assert packages.package_of_program() == {name: package.name for package in cluster for name in package.programs}
    (cni,) = (package for package in cluster if package.files)
    assert (plugins.package, plugins.names) == (cni.name, cni.files)
    assert [str(folder) for folder in plugins.folders] == list(cni.folders)
