"""What a read-only host lets through: only what is known to change nothing, with arguments that change nothing."""

import pytest

from mcp_ssh.safety.posix.judge import judge

READS = """\
uptime
ls -la /etc
cat /etc/hosts | grep -v '^#' | sort -u | head -3
df -h; free -m && uptime
du -sh /var/* 2>/dev/null
systemctl status nginx
journalctl -u nginx -n 50 --no-pager
ps aux | awk '{print $2}'
ip -br addr show
ss -tulpn
docker ps -a
docker logs --tail 5 web
kubectl get pods -A
git log --oneline -5
rpm -qa
dpkg -l
crontab -l
date +%F
sed -n 1,10p /etc/hosts
sed -n /x/p f
find /etc -name '*.conf' -type f
vtysh -c 'show ip route'
birdc show protocols
tar tzf x.tgz
openssl x509 -in c -noout -text
timeout 5 ls
nice -n 5 du -s /
if [ -f /x ]; then cat /x; fi
for f in a b; do cat $f; done
echo "$(hostname)"
uniq -c
dig example.com
sysctl net.ipv4.ip_forward
systemd-detect-virt
getenforce
rc-service nginx status
/etc/init.d/nginx status
/etc/rc.d/init.d/sshd status 2>/dev/null
ubus list
ubus call service list
ubus call service list '{"name":"dnsmasq"}'"""

CHANGES = """\
touch x
rc-service nginx restart
rc-service nginx status restart
rc-service -i nginx status
/etc/init.d/nginx
/etc/init.d/nginx restart
/etc/init.d/nginx status restart
/etc/init.d/nginx status > x
/etc/init.d/../../tmp/x status
/opt/init.d/nginx status
/etc/init.d/$x status
ubus call system reboot
ubus call service delete '{"name":"dnsmasq"}'
ubus call service list '{"name":"$(id)"}'
ubus call service list; ubus send x
ls > x
cat a >> b
uniq a b
tree -o x
xxd -r a b
yq -i .a f
rg --pre sh x
ss -K dst 1.2.3.4
man -P 'touch x' ls
sort -o x y
sort -uo x y
file -C -m x
dmidecode --dump-bin x
less +!id x
awk 'BEGIN{print "x" > "f"}'
awk 'BEGIN{system("id")}'
awk -i inplace 1 f
awk 'BEGIN{print "x" | "sh"}'
sed -n w/tmp/x f
sed -n 'w x' f
sed -n '1e id' f
sed -i s/a/b/ f
sed s/a/b/w f
find / -delete
find / -fprint x
find . -exec id ;
git diff --output=x
git log --ext-diff
git -c core.pager=id log
git commit -m x
vtysh -c 'show run' -c 'conf t'
vtysh -c 'conf t'
birdc configure
tar tf x -I id
tar xf x
openssl x509 -in a -out b
rpm -qa --pipe id
rpm -q --eval x
systemctl restart nginx
systemctl edit nginx
ip link set eth0 up
date -s now
hostname new
dmesg -C
journalctl --rotate
time -o x ls
env A=b ls
A=b ls
sudo ls
./ls
/tmp/ls
x/cat f
$x
cat $(touch x)
cat <(touch x)
python3 -c 1
sh -c ls
xargs ls
tee
curl http://x
sysctl -w a=b
sysctl a=b
crontab -
mount /dev/x /y
export A=b
ls; id > y
ls & touch x
[ -f x ] || touch x
eval ls
alias ls=id
docker exec web ls
docker run x
kubectl delete pod x
kubectl apply -f x
dpkg -i x
history -c"""


@pytest.mark.parametrize("line", READS.splitlines())
def test_what_only_reads(line: str) -> None:
    judged = judge(line)
    assert judged.reads
    assert not judged.findings


@pytest.mark.parametrize("line", CHANGES.splitlines())
def test_what_may_change_something_is_no_reading(line: str) -> None:
    assert not judge(line).reads
