"""Clouds and backups."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import cloud
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


_backup = Hit("posix.backup", "it deletes backups")


@family.on(
    "terraform",
    "tofu",
    "terragrunt",
    "pulumi",
    "cdk",
    "serverless",
    "sls",
    "aws",
    "gcloud",
    "gsutil",
    "az",
    "azcopy",
    "doctl",
    "hcloud",
    "linode-cli",
    "oci",
    "ibmcloud",
    "openstack",
    "nova",
    "cinder",
    "neutron",
    "s3cmd",
    "s5cmd",
    "rclone",
    "b2",
    "flyctl",
    "fly",
    "heroku",
    "vercel",
    "netlify",
    "wrangler",
    "gh",
    "glab",
    "scw",
    "exo",
    "vultr-cli",
    "eb",
    "sam",
    "copilot",
    "swift",
    "juju",
    "cf",
    "aliyun",
    "tccli",
    "civo",
    "upctl",
    "storj",
    "uplink",
    "ossutil",
    "coscmd",
    "supabase",
    "firebase",
    "railway",
    "render",
    "amplify",
)
def _clouds(call: Call) -> Iterator[Hit]:
    if (
        call.asks_for_help
        or call.has("--dry-run", "--dryrun", "--what-if")
        or (call.name == "rclone" and call.has("-n"))
    ):
        return
    joined = " ".join(call.texts)
    patterns = {
        "terraform": r"(^|\s)(destroy|apply\b.*(-destroy|-auto-approve)|state (rm|push|replace-provider)|workspace delete|taint|force-unlock|apply -destroy)\b",
        "pulumi": r"\b(destroy|stack rm|state delete|up .*(-y|--yes)|cancel)\b",
        "aws": r"\b(delete-\S+|terminate-\S+|stop-instances|stop-db-\S+|reboot-\S+|deregister-\S+|release-address|detach-\S+|revoke-\S+|purge-queue|schedule-key-deletion|disable-key|disable-\S+|s3 (rm|rb|mv)\b.*(--recursive|--force)|s3 rb|s3 rm\b.*--recursive|s3 sync\b.*--delete|remove-\S+|batch-delete\S*|cancel-\S+|empty|reset-\S+|force-\S+|s3api delete\S*|set-desired-capacity.*0|update-auto-scaling-group.*--(max|min|desired)\S* 0)(\s|$)",
        "gcloud": r"\b(delete|stop|reset|suspend|remove-iam-policy-binding|destroy|disable|shutdown|purge|abandon-instances|detach-disk|drain)\b",
        "gsutil": r"(^|\s)(-m )?(rm|rb)\b|rsync\b.*(-d|--delete)|\bacl ch .*-none",
        "az": r"\b(delete|deallocate|stop|purge|remove|restart|redeploy|reimage|delete-batch|disable|detach)\b|mode complete|--mode Complete",
        "azcopy": r"\b(remove|rm)\b|--delete-destination",
        "gh": r"\b(repo|release|secret|run|workflow|cache|codespace|gist|issue|label|ssh-key|variable) delete\b|api\b.*(-X|--method)[ =]?DELETE|repo (archive|rename|edit .*visibility)",
        "glab": r"\b(delete|repo delete)\b",
        "rclone": r"(^|\s)(delete|deletefile|purge|rmdirs|sync|cleanup|move|bisync .*--force)\b",
        "s3cmd": r"(^|\s)(rb|del|rm)\b|sync\b.*--delete-removed|expire|--delete",
        "s5cmd": r"(^|\s)(rm|rb)\b|sync\b.*--delete",
        "b2": r"\b(delete-bucket|delete-file-version|bucket delete|rm|sync .*--delete)\b",
        "openstack": r"\b(delete|rebuild|stop|shelve|reboot|unset|remove|purge)\b",
        "heroku": r"\b(destroy|apps:destroy|pg:reset|pg:killall|addons:destroy|ps:stop|ps:scale .*=0|maintenance:on|container:rm|domains:clear|config:unset|ps:kill)\b",
        "cdk": r"\bdestroy\b",
        "serverless": r"\bremove\b",
        "sls": r"\bremove\b",
        "sam": r"\bdelete\b",
        "eb": r"\b(terminate|abort)\b",
        "copilot": r"\bdelete\b",
        "vercel": r"\b(rm|remove|domains rm|env rm)\b",
        "netlify": r"\b(sites:delete|env:unset)\b",
        "wrangler": r"\b(delete|d1 delete|kv.* delete|r2 bucket delete)\b",
        "juju": r"\b(destroy-\S+|kill-controller|remove-\S+)\b",
        "cf": r"(^|\s)(delete\S*|d|stop|unbind\S*|purge\S*)\b",
        "swift": r"\bdelete\b",
        "firebase": r"\b(firestore:delete|database:remove|projects:delete|functions:delete|hosting:disable|auth:delete)\b",
        "supabase": r"\b(db reset|projects delete|branches delete)\b",
    }
    pattern = patterns.get(
        call.name,
        r"\b(delete|destroy|rm|remove|terminate|purge|shutdown|poweroff|power-off|reboot|rebuild|reset|stop|halt)\b",
    )
    if re.search(pattern, joined):
        if (
            call.name == "terraform"
            and re.search(r"\bapply\b", joined)
            and "-destroy" not in joined
            and "-auto-approve" not in joined
        ):
            return
        if call.name == "rclone" and re.search(r"(^|\s)(sync|move)\b", joined) and call.has("-n", "--dry-run"):
            return
        yield cloud


@family.on("terragrunt", "tofu")
def _terra(call: Call) -> Iterator[Hit]:
    if re.search(
        r"\b(destroy|destroy-all|state rm|run-all destroy|apply\b.*(-destroy|-auto-approve))\b", " ".join(call.texts)
    ):
        yield cloud


@family.on(
    "restic",
    "borg",
    "borgmatic",
    "duplicity",
    "kopia",
    "bconsole",
    "proxmox-backup-client",
    "proxmox-backup-manager",
    "pgbackrest",
    "barman",
    "wal-g",
    "xtrabackup",
    "rdiff-backup",
    "tarsnap",
    "duplicati-cli",
    "bacula",
    "tmutil",
    "attic",
    "bup",
    "obnam",
    "burp",
    "btrbk",
    "pbm",
    "veeamconfig",
    "nsrmm",
    "dsmc",
)
def _backups(call: Call) -> Iterator[Hit]:
    if call.asks_for_help or call.has("-n", "--dry-run"):
        return
    joined = " ".join(call.texts)
    patterns = {
        "restic": r"\b(forget\b.*(--prune|--keep-last[= ]?0|latest|--unsafe)|forget [0-9a-f]{6,}|prune|key remove|unlock --remove-all|repair|rewrite .*--forget)\b",
        "borg": r"\b(delete|prune|break-lock|key|recreate|config .*append_only)\b",
        "borgmatic": r"\b(prune|delete|break-lock)\b",
        "duplicity": r"\b(remove-\S+|cleanup .*--force)\b|--force",
        "kopia": r"\b(snapshot delete|snapshot expire .*--delete|blob delete|repository delete|maintenance .*--safety=none|policy delete)\b",
        "tmutil": r"\b(delete\S*|disable|removedestination|thinlocalsnapshots)\b",
        "tarsnap": r"(^|\s)(-d|--nuke|--fsck)",
        "rdiff-backup": r"--remove-older-than|remove increments|--remove",
        "bconsole": r"delete|purge|prune",
        "pgbackrest": r"\b(stanza-delete|expire|stop|restore)\b",
        "barman": r"\bdelete\b|\brecover\b",
        "wal-g": r"\bdelete\b",
        "proxmox-backup-client": r"\b(forget|prune|snapshot forget|group forget)\b",
        "proxmox-backup-manager": r"\b(datastore remove|user remove|prune-job|garbage-collection stop)\b",
    }
    if re.search(patterns.get(call.name, r"\b(delete|remove|purge|prune|expire)\b"), joined):
        yield _backup


@family.on("bconsole")
def _bconsole(call: Call) -> Iterator[Hit]:
    if call.stdin and re.search(r"\b(delete|purge|prune)\b", call.stdin):
        yield _backup
