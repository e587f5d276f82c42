//! The files of `/etc` that name hosts, networks, services, protocols (of netlink, too) and users.
//!
//! Names come from files alone, so that no test asks a resolver anything.

use std::fs;
use std::io;
use std::path::Path;

/// What the name files hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etc {
    /// `/etc/hosts`.
    pub hosts: Vec<u8>,
    /// `/etc/networks`.
    pub networks: Vec<u8>,
    /// `/etc/services`.
    pub services: Vec<u8>,
    /// `/etc/protocols`.
    pub protocols: Vec<u8>,
    /// `/etc/passwd`.
    pub passwd: Vec<u8>,
    /// `/etc/iproute2/nl_protos`.
    pub netlink_protocols: Vec<u8>,
}

impl Default for Etc {
    /// Gives the files of a small ordinary machine.
    fn default() -> Self {
        Self {
            hosts: b"127.0.0.1 localhost\n::1 localhost ip6-localhost\n".to_vec(),
            networks: b"default 0.0.0.0\nloopback 127.0.0.0\nlink-local 169.254.0.0\n".to_vec(),
            services: b"ssh 22/tcp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp www\nhttps 443/tcp\n\
                        https 443/udp\nhttp-alt 8080/tcp webcache\n"
                .to_vec(),
            protocols: b"ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\n"
                .to_vec(),
            passwd: b"root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n\
                      nobody:x:65534:65534::/:/bin/false\n"
                .to_vec(),
            netlink_protocols: b"# numbers and names\n0 rtnl\n1 unused\n4 tcpdiag\n16 genl\n\
                                 22 late\n"
                .to_vec(),
        }
    }
}

impl Etc {
    /// Gives files with what is hard: long names, aliases, repeated ports, comments, odd lines.
    pub fn odd() -> Self {
        let long = "averyveryveryverylonghostname.with.many.labels.example.org";
        Self {
            hosts: format!(
                "127.0.0.1 localhost\n::1 localhost\n10.1.2.3 {long} alias\n\
                 192.168.100.200 first second\n192.168.100.200 third\n2001:db8::1 six.example\n\
                 10.1.2.4 tab\t# comment\n# 10.1.2.5 hidden\n0.0.0.0 zero\n\
                 224.0.0.1 all-systems.mcast.net\nff02::1 ip6-allnodes\n10.1.2.6 \x1b[31mred\n"
            )
            .into_bytes(),
            networks: b"loopback 127.0.0.0\nten-nine 10.9\nnet-a 10.0.0.0\nprivate 192.168.77.0\n\
                        averyveryverylongnetworkname 172.16.0.0\n"
                .to_vec(),
            services: b"alpha 1001/tcp\nbeta 1001/tcp\nhttp-alt 8080/tcp\n\
                        averyveryveryveryverylongservicename 1009/tcp\ndomain 53/udp # comment\n\
                        rawthing 1/raw\nrawother 200/raw\ngamma 1002/udp delta\nbroken\n99999/tcp x\n\
                        zero 0/tcp\nhuge 70000/tcp\n"
                .to_vec(),
            protocols: b"icmp 1 ICMP\ntcp 6\nudp 17\nipv6-icmp 58\nlast 200\nsecond 200\n".to_vec(),
            passwd: b"root:x:0:0::/:/bin/sh\nmyverylongusername:x:33:33::/:/bin/sh\n\
                      user:x:1000:1000::/:/bin/sh\ntwin:x:1000:1000::/:/bin/sh\n\
                      most:x:4294967295:1::/:/bin/sh\n"
                .to_vec(),
            netlink_protocols: b"0x0 zero\n  4  diag # comment\n5\nbroken line\n# 6 hidden\n\
                                 0x10 sixteen\n255 last\n256 beyond\n16 again\n"
                .to_vec(),
        }
    }

    /// Writes the files into `dir`, with an `nsswitch.conf` that knows nothing but files.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let nsswitch =
            "passwd: files\nhosts: files\nnetworks: files\nservices: files\nprotocols: files\n";
        fs::write(dir.join("nsswitch.conf"), nsswitch)?;
        fs::create_dir_all(dir.join("iproute2"))?;
        for (name, content) in [
            ("hosts", &self.hosts),
            ("networks", &self.networks),
            ("services", &self.services),
            ("protocols", &self.protocols),
            ("passwd", &self.passwd),
            ("iproute2/nl_protos", &self.netlink_protocols),
        ] {
            fs::write(dir.join(name), content)?;
        }
        Ok(())
    }
}
