"""Containers, their volumes, and clusters of them."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()

_containers = Hit("posix.containers", "it deletes containers, volumes or workloads, and their data")


_escape = Hit("posix.escape", "it opens the whole host to a container")


_valued_docker = (
    "-H",
    "--host",
    "--context",
    "-c",
    "--config",
    "-l",
    "--log-level",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--project-directory",
)


@family.on(
    "docker",
    "podman",
    "nerdctl",
    "docker-compose",
    "podman-compose",
    "crictl",
    "ctr",
    "buildah",
    "skopeo",
    "k3s-killall.sh",
    "k3s-uninstall.sh",
    "k3s-agent-uninstall.sh",
    "rke2-uninstall.sh",
    "rke2-killall.sh",
)
def _engines(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    if call.name.endswith(".sh"):
        yield _containers
        return
    words = call.verbs(_valued_docker)
    texts, joined = call.texts, " ".join(call.texts)
    if words[:1] and words[0] in {"container", "image", "compose"} and call.name != "ctr":
        group, words = words[0], words[1:]
    else:
        group = ""
    if call.name in {"docker-compose", "podman-compose"}:
        group = "compose"
    verb = words[0] if words else ""
    every = any(_lists_containers(arg.listed) for arg in call.args)
    forced = call.has("-f", "--force")
    if verb == "exec" and group != "compose":
        return
    if group == "compose" and verb in {"down", "rm", "kill"}:
        if (verb == "down" and call.has("-v", "--volumes", "--rmi")) or (verb == "rm" and call.has("-v")):
            yield _containers
    elif verb == "system" and re.search(r"\b(prune|reset)\b", joined):
        if "reset" in words or call.has("--volumes", "-a", "--all"):
            yield _containers
    elif verb == "volume" and words[1:2] and words[1] in {"rm", "prune", "remove"}:
        yield _containers
    elif verb in {"rm", "kill", "stop", "rmi", "pause", "remove"} and (
        every or (call.has("-v", "--volumes") and verb == "rm") or (call.name != "docker" and call.has("-a", "--all"))
    ):
        if verb == "rmi" and not forced:
            return
        yield _containers
    elif verb == "swarm" and words[1:2] == ["leave"]:
        yield _containers
    elif (
        verb
        in {"stack", "service", "secret", "config", "node", "network", "context", "plugin", "machine", "pod", "kube"}
        and words[1:2]
        and words[1] in {"rm", "remove", "down", "prune", "demote", "delete"}
    ):
        if verb in {"network", "context"} or (verb == "pod" and not (forced or call.has("-a"))):
            return
        yield _containers
    elif verb == "node" and "drain" in joined:
        yield _containers
    elif verb in {"run", "create"}:
        if re.search(
            r"(-v|--volume)[= ]?/(:|etc:|boot:|root:|var:|usr:|dev:)|(-v|--volume)[= ]?/:|(source|src)=/(,|etc|boot)|--pid[= ]host.*--privileged|--privileged.*(--pid[= ]host|/:)",
            joined,
        ) and re.search(r"(-v|--volume)[= ]?/:|(source|src)=/,|-v /etc:\S+(?<!:ro)(\s|$)|--privileged", joined):
            if re.search(r"(-v|--volume)[= ]?/:[^ :]+:ro", joined):
                return
            yield _escape
        elif "--privileged" in texts and re.search(r"\b(nsenter|chroot|mount)\b", joined):
            yield _escape
    elif (call.name == "crictl" and re.search(r"\b(rmp?|stopp?|rmi)\b.*(-a|--all|-fa|-af)", joined)) or (
        call.name == "ctr"
        and re.search(r"\b(rm|delete|kill|del)\b", joined)
        and re.search(r"\b(namespaces?|ns|volumes?|snapshots?)\b|\$\(|\x00", joined)
    ):
        yield _containers
    elif verb == "builder" or verb == "buildx":
        return


@family.on("xargs")
def _fed_with_containers(call: Call) -> Iterator[Hit]:
    """All containers that an engine lists, ended or deleted."""
    words = [text.rsplit("/", 1)[-1] for text in call.verbs(("-n", "-P", "-I", "-L"))]
    ends = len(words) > 1 and words[0] in {"docker", "podman", "nerdctl"} and {"rm", "kill", "stop"} & set(words[1:3])
    if ends and call.source.feeds and _lists_containers(tuple(call.source.feeds)):
        yield _containers


def _lists_containers(commands: tuple[object, ...]) -> bool:
    for command in commands:
        words = [word.literal or "" for word in getattr(command, "words", [])]
        if (
            len(words) > 1
            and words[0] in {"docker", "podman", "nerdctl", "crictl"}
            and {"ps", "ls", "volume", "list", "images", "container"} & set(words[1:3])
        ):
            return (
                not any(word.startswith(("--filter", "-f", "name=", "status=")) for word in words) or "volume" in words
            )
    return False


_kinds = re.compile(
    r"(ns|namespaces?|nodes?|no|pvc?|persistentvolumes?|persistentvolumeclaims?|crds?|customresourcedefinitions?(\.\S+)?|all|deploy(ments?)?(\.apps)?|sts|statefulsets?(\.apps)?|ds|daemonsets?(\.apps)?|svc|services?|secrets?|sa|serviceaccounts?|clusterroles?|clusterrolebindings?|rolebindings?|roles?|ing(ress(es)?)?|sc|storageclasses?|volumesnapshots?|apiservices?|validatingwebhookconfigurations?|mutatingwebhookconfigurations?|netpol|networkpolicies|networkpolicy|machines?|clusters?|machinesets?|projects?|etcdclusters?)"
)


@family.on(
    "kubectl",
    "oc",
    "k",
    "helm",
    "kubeadm",
    "kops",
    "eksctl",
    "k3d",
    "kind",
    "minikube",
    "rke",
    "talosctl",
    "velero",
    "argocd",
    "flux",
    "istioctl",
    "k3s",
    "microk8s",
    "helmfile",
    "nomad",
    "rancher",
    "clusterctl",
    "calicoctl",
    "cilium",
    "skaffold",
    "tanzu",
    "docker-machine",
)
def _clusters(call: Call) -> Iterator[Hit]:
    if (
        call.asks_for_help
        or call.value("--dry-run") in {"client", "server"}
        or any(text.startswith("--dry-run") for text in call.texts)
    ):
        return
    words = call.verbs(
        (
            "-n",
            "--namespace",
            "--context",
            "--kubeconfig",
            "-l",
            "--selector",
            "-f",
            "--filename",
            "-o",
            "--output",
            "--cluster",
            "--user",
            "-s",
            "--server",
            "--token",
            "-k",
            "--kustomize",
            "--grace-period",
            "--timeout",
            "--field-selector",
            "--kube-context",
            "--as",
            "-c",
            "--container",
        )
    )
    if call.name in {"k3s", "microk8s"} and words[:1] in (["kubectl"], ["helm3"]):
        words = words[1:]
    verb, rest, joined = (words[0] if words else ""), words[1:], " ".join(call.texts)
    bad = False
    match call.name:
        case "kubectl" | "oc" | "k" | "k3s" | "microk8s":
            if verb == "delete":
                kinds = [part for word in rest[:1] for part in word.partition("/")[0].split(",")]
                bad = (
                    call.has("--all", "-A", "--all-namespaces", "-f", "--filename", "-k")
                    or any(_kinds.fullmatch(kind.lower()) for kind in kinds)
                    or ("--force" in joined and "--grace-period=0" in joined and not rest)
                    or any(_kinds.fullmatch(word.partition("/")[0].lower()) for word in rest if "/" in word)
                )
                bad = bad or unknown in joined
            elif verb in {"drain", "taint"}:
                bad = verb == "drain" or "NoExecute" in joined
            elif verb == "scale":
                bad = bool(re.search(r"--replicas[= ]0\b", joined))
            elif verb == "replace":
                bad = "--force" in joined
            elif verb == "patch":
                bad = bool(re.search(r"finalizers|\"replicas\":\s*0", joined))
            elif verb == "apply":
                bad = "--prune" in joined
            elif verb in {"adm", "stop"}:
                bad = bool(re.search(r"\b(drain|prune|evacuate)\b", joined)) or (
                    call.name == "microk8s" and verb == "stop"
                )
            elif verb == "cordon":
                bad = False
            elif verb in {"reset", "uninstall", "leave", "remove-node"}:
                bad = call.name == "microk8s"
            elif verb in {"etcd-snapshot", "etcd"}:
                bad = bool(re.search(r"\b(delete|prune)\b", joined))
            elif verb in {"server"}:
                bad = "--cluster-reset" in joined
            elif verb == "rollout":
                bad = False
        case "helm":
            bad = verb in {"uninstall", "delete", "del", "un"}
        case "helmfile":
            bad = verb in {"destroy", "delete"}
        case "kubeadm":
            bad = verb == "reset"
        case "velero":
            bad = bool(re.search(r"\b(delete|uninstall)\b", joined))
        case "talosctl":
            bad = verb in {"reset", "reboot", "shutdown", "wipe", "upgrade"}
        case "argocd":
            bad = bool(re.search(r"\b(app|proj|cluster|repo) (delete|rm)\b|--prune", joined))
        case "flux" | "istioctl":
            bad = bool(re.search(r"\b(uninstall|delete)\b", joined)) or "--purge" in joined
        case "nomad":
            bad = bool(
                re.search(
                    r"\b(job stop|stop|system gc|node drain|volume (delete|deregister)|namespace delete|server force-leave|operator raft remove-peer|job purge)\b|-purge",
                    joined,
                )
            )
        case "docker-machine":
            bad = verb in {"rm", "kill", "stop"}
        case "calicoctl" | "cilium" | "clusterctl" | "tanzu" | "rancher" | "skaffold":
            bad = bool(re.search(r"\b(delete|uninstall|rm|remove)\b", joined))
        case _:
            bad = bool(re.search(r"\b(delete|destroy|remove|rm|reset|uninstall)\b", joined))
    if bad:
        yield _containers
