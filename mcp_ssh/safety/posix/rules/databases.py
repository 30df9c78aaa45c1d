"""Databases, stores and indexes."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import cloud
from mcp_ssh.safety.posix.rules.overwrite import overwritten
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()

_database = Hit("posix.database", "it deletes data of a database, or stops it")


_sql_words = re.compile(
    r"\bdrop\s+(database|schema|table|user|role|index|view|keyspace|collection|tablespace|owned|measurement|series|shard|retention|bucket|function|trigger|column|type|server|extension|materialized)\b"
    r"|\btruncate\b(\s+table)?\s+[\w\".`]+|\bdelete\s+from\s+[\w\".`']+\s*(;|$|\"|')|\bupdate\s+[\w\".`']+\s+set\s+(?!.*\bwhere\b)|\balter\s+table\s+\S+\s+drop\b|\bdelete\s+from\s+\S+\s+where\s+(1\s*=\s*1|true|1)\b|\bwhere\s+1\s*=\s*1\b.*"
    r"|\b(reset\s+master|reset\s+slave\s+all|purge\s+(binary|master)\s+logs|shutdown)\b|\bdetach\s+table\b|\bpg_terminate_backend\b.*\bpg_stat_activity\b(?!.*where)|\brevoke\s+all\b|\bcopy\b[^;]*\b(to|from)\s+program\b|\binto\s+(outfile|dumpfile)\b|\bset\s+password\b.*root|\balter\s+(user|role)\s+['\"]?(root|postgres)\b|\bdelete\s+from\s+mysql\.user|\bsys_exec\b|\\!|\bsystem\s+rm\b\b",
    re.IGNORECASE | re.DOTALL,
)


def _asks_sql(text: str) -> bool:
    plain = re.sub(r"/\*.*?\*/|--\s[^\n]*", " ", text)
    return _sql_words.search(re.sub(r"'[^']*'|\"[^\"]*\"", "''", plain)) is not None


@family.on(
    "mysql",
    "mariadb",
    "psql",
    "sqlite3",
    "sqlite",
    "sqlplus",
    "isql",
    "tsql",
    "sqlcmd",
    "cqlsh",
    "clickhouse-client",
    "clickhouse",
    "influx",
    "cockroach",
    "beeline",
    "hive",
    "impala-shell",
    "presto",
    "trino",
    "duckdb",
    "mysqlsh",
    "usql",
    "pgcli",
    "mycli",
    "dolt",
    "bq",
    "snowsql",
    "db2",
    "vsql",
    "spanner-cli",
)
def _sql(call: Call) -> Iterator[Hit]:
    joined = " ; ".join(call.texts) + " ; "
    if _asks_sql(joined) or (call.stdin is not None and unknown not in call.stdin and _asks_sql(call.stdin)):
        yield _database
    elif (
        call.stdin is not None
        and unknown in call.stdin
        and call.fed_by[:1]
        and call.fed_by[0] in {"curl", "wget", "base64"}
    ):
        yield Hit("shell.dynamic", "it runs statements that nobody can know before")


@family.on(
    "dropdb",
    "dropuser",
    "mysqladmin",
    "mariadb-admin",
    "pg_dropcluster",
    "pg_resetwal",
    "pg_resetxlog",
    "pg_ctl",
    "pg_ctlcluster",
    "initdb",
    "mysql_install_db",
    "mysqld",
    "mongosh",
    "mongo",
    "redis-cli",
    "valkey-cli",
    "keydb-cli",
    "etcdctl",
    "consul",
    "vault",
    "nodetool",
    "rabbitmqctl",
    "kafka-topics",
    "kafka-topics.sh",
    "kafka-consumer-groups.sh",
    "kafka-delete-records.sh",
    "rabbitmqadmin",
    "memcached-tool",
    "couchbase-cli",
    "mongorestore",
    "pg_restore",
    "mongod",
    "zkCli.sh",
    "cassandra-cli",
    "solr",
    "nats",
    "patronictl",
    "repmgr",
    "pcs",
    "crm",
    "crm_resource",
    "drush",
    "wp",
    "artisan",
    "rails",
    "rake",
    "manage.py",
    "flyway",
    "liquibase",
    "alembic",
    "prisma",
    "knex",
    "sequelize",
    "influxd",
    "curator",
    "mc",
    "ldapmodify",
)
def _stores(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    joined = " ".join(call.texts)
    said = f"{joined} {call.stdin if call.stdin and unknown not in call.stdin else ''}"
    patterns = {
        "dropdb": r".",
        "dropuser": r".",
        "pg_dropcluster": r".",
        "pg_resetwal": r".",
        "pg_resetxlog": r".",
        "mysqladmin": r"\b(drop|shutdown|password|kill)\b",
        "mariadb-admin": r"\b(drop|shutdown|password)\b",
        "pg_ctl": r"\b(stop|kill)\b|-m i",
        "pg_ctlcluster": r"\b(stop)\b",
        "initdb": r"-D\s*/var/lib",
        "mysql_install_db": r"--force",
        "mysqld": r"--initialize|--skip-grant-tables",
        "mongosh": r"dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}|remove\(\s*\{?\s*\}?\s*\)|shutdownServer|dropUser|dropAllUsers|rs\.(remove|reconfig)|\bshutdown\b|dropIndexes",
        "mongo": r"dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}|remove\(\s*\{?\s*\}?\s*\)|shutdownServer|dropUser|dropAllUsers|rs\.(remove|reconfig)|\bshutdown\b",
        "redis-cli": r"(?i)\b(flushall|flushdb|shutdown|debug (segfault|sleep|panic|oom)|config set (dir|dbfilename|requirepass|maxmemory 1)|slaveof|replicaof|cluster (reset|failover|forget|delslots)|script|swapdb|acl deluser|client pause|failover|--cluster (reset|del-node))\b",
        "valkey-cli": r"(?i)\b(flushall|flushdb|shutdown|debug|cluster reset)\b",
        "keydb-cli": r"(?i)\b(flushall|flushdb|shutdown|debug)\b",
        "etcdctl": r"\b(del\b.*(--prefix|--from-key|\"\")|del \"?\"?$|member remove|snapshot restore|rm\b.*--recursive|auth disable|user delete|role delete|rmdir|del /)",
        "consul": r"\b(kv delete\b.*-recurse|leave|force-leave|snapshot restore|operator raft remove-peer|services deregister|acl .*delete|kv delete -recurse)\b",
        "vault": r"\b(secrets (disable|move)|auth disable|kv (destroy|metadata delete|delete)|operator (seal|rekey|raft remove-peer|generate-root)|delete|lease revoke -prefix|token revoke -mode|policy delete|audit disable)\b",
        "nodetool": r"\b(decommission|removenode|assassinate|drain|stopdaemon|clearsnapshot|truncatehints|disablegossip|disablebinary)\b",
        "rabbitmqctl": r"\b(reset|force_reset|stop_app|stop|shutdown|delete_vhost|delete_user|purge_queue|delete_queue|forget_cluster_node|force_boot|clear_permissions|change_password)\b",
        "rabbitmqadmin": r"\b(delete|purge)\b",
        "kafka-topics": r"--delete",
        "kafka-topics.sh": r"--delete",
        "kafka-consumer-groups.sh": r"--(delete|reset-offsets.*--execute)",
        "kafka-delete-records.sh": r".",
        "memcached-tool": r"flush",
        "couchbase-cli": r"\b(bucket-delete|bucket-flush|failover|server-remove|reset-admin-password|group-manage.*--delete)\b",
        "mongorestore": r"--drop",
        "pg_restore": r"(^| )(-c|--clean)",
        "mongod": r"--(repair|shutdown)",
        "zkCli.sh": r"\b(deleteall|rmr|delete)\b",
        "solr": r"\b(delete|stop)\b",
        "nats": r"\b(stream (rm|purge|delete)|kv (del|purge|rm)|consumer rm|object del)\b",
        "patronictl": r"\b(remove|reinit|failover|switchover|restart|pause)\b",
        "repmgr": r"\b(standby promote|primary unregister|node rejoin|cluster cleanup|standby switchover)\b",
        "pcs": r"\b(cluster (destroy|stop)|resource (delete|disable|remove|ban)|node (standby|fence|remove)|stonith (fence|delete|disable)|property set stonith-enabled=false)\b",
        "crm": r"\b(node (standby|fence|delete)|resource (stop|ban|delete)|configure (delete|erase|load replace)|cluster (stop|remove))\b",
        "crm_resource": r"--(delete|ban)|-D|-B",
        "drush": r"\b(sql-drop|sql:drop|site-install|site:install|si|entity:delete|user:cancel)\b",
        "wp": r"\bdb (reset|drop|clean)\b|\bsite (empty|delete)\b|\buser delete\b.*--yes|\bpost delete\b.*--force",
        "artisan": r"\b(migrate:(fresh|reset|refresh|rollback)|db:wipe)\b",
        "rails": r"\bdb:(drop|reset|schema:load|migrate:reset|purge|setup)\b",
        "rake": r"\bdb:(drop|reset|schema:load|migrate:reset|purge)\b",
        "manage.py": r"\b(flush|sqlflush|reset_db|migrate \S+ zero)\b",
        "flyway": r"\bclean\b",
        "liquibase": r"\b(drop-all|dropAll|rollback)\b",
        "alembic": r"\bdowngrade\b",
        "prisma": r"\b(migrate reset|db push .*--(accept-data-loss|force-reset)|--force-reset)\b",
        "knex": r"\bmigrate:(rollback|down)\b",
        "sequelize": r"\b(db:drop|db:migrate:undo:all)\b",
        "influxd": r"\brestore\b.*-full|\bdowngrade\b",
        "curator": r"\bdelete[-_]",
        "ldapmodify": r"changetype:\s*(delete|modrdn)",
        "mc": r"(^|\s)(rb|rm\b.*(--recursive|-r).*--force|rm\b.*--force.*(--recursive|-r)|rm\b.*--recursive|mirror\b.*--remove|admin (user|policy|service) (remove|rm|stop|restart)|ilm rule remove|undo)\b",
    }
    pattern = patterns.get(call.name)
    if pattern and re.search(pattern, said):
        yield _database if call.name != "mc" else cloud


@family.on("php", "python3", "python", "bundle", "npx", "bin/rails", "yarn", "npm", "pnpm")
def _frameworks(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    if re.search(
        r"\bartisan (migrate:(fresh|reset|refresh)|db:wipe)\b|manage\.py (flush|reset_db|migrate \S+ zero)\b|\b(rails|rake) db:(drop|reset|schema:load|purge|migrate:reset)\b|\bprisma (migrate reset|db push .*--(force-reset|accept-data-loss))|typeorm schema:drop|sequelize db:drop|knex migrate:rollback|doctrine:(database|schema):drop",
        joined,
    ):
        yield _database


@family.on("curl", "wget", "http", "https", "xh")
def _requests(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    method = call.value("-X", "--request", "--method") or ""
    deletes = method.upper() == "DELETE" or re.search(r"-XDELETE|(^|\s)DELETE\s", joined) is not None
    if (
        deletes
        and re.search(
            r":(9200|9201|5984|8086|8983|2379|8500|15672|8529|7474|6333|19530|8428)\b|/_all\b|_data_stream|/\*($|[\s'\"?])|/api/(v\d+/)?(admin|projects|namespaces|volumes|databases|clusters|backups|dashboards|users|groups)|/v1/(namespaces|nodes)|/volumes/|/containers/|/(registry|v2)/.*manifests|_snapshot|amazonaws|googleapis|management\.azure|api\.(github|gitlab|digitalocean|cloudflare|hetzner|linode|heroku|vultr)|repos/",
            joined,
        )
    ) or re.search(
        r"_delete_by_query|/_shutdown|/_close\b|/-/quit\b|/actuator/shutdown|/admin/(tsdb/delete_series|shutdown)|q=DROP|query=DROP|:2375/(containers|volumes|images|system)/.*(prune|kill|stop|delete)|graceful_shutdown",
        joined,
        re.IGNORECASE,
    ):
        yield _database
    elif re.search(r"(^|\s)(-T|--upload-file)\s+/etc/shadow", joined):
        yield Hit("posix.lockout.login", "it gives secrets of the host away")
    out = call.value("-o", "--output", "-O", "--output-document") if call.name in {"curl", "wget"} else None
    if out and out.startswith("/"):
        yield from overwritten(call.place(out), adds=False)
