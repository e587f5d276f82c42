# Takes connections at PORT and reads so many BYTES of each, the first into a page whose content somebody else must bring after so many
# milliseconds (userfaultfd): recv() holds the socket as long as it waits for the page. With 0 nobody waits.
use strict;
use Socket;

my ($port, $ms, $bytes) = @ARGV;
my ($mmap, $madvise, $recvfrom, $userfaultfd) = (9, 28, 45, 323);
my $page = syscall($mmap, 0, 4096, 3, 0x22, -1, 0);
my $zeros = syscall($mmap, 0, 4096, 3, 0x22, -1, 0);
my $fault;
if ($ms) {
    my $fd = syscall($userfaultfd, 02000000 | 04000);
    die "userfaultfd: $!" if $fd < 0;
    open($fault, '+<&=', $fd) or die;
    my $api = pack('QQQ', 0xAA, 0, 0);
    defined ioctl($fault, 0xc018aa3f, $api) or die "UFFDIO_API: $!";
    my $register = pack('QQQQ', $page, 4096, 1, 0);
    defined ioctl($fault, 0xc020aa00, $register) or die "UFFDIO_REGISTER: $!";
}
socket(my $listener, PF_INET, SOCK_STREAM, 0);
bind($listener, sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!";
listen($listener, 5) or die;
my $parent = $$;
if ($ms && !fork) {
    while (getppid() == $parent) {
        select(undef, undef, undef, $ms / 1000);
        my $copy = pack('QQQQq', $page, $zeros, 4096, 0, 0);
        # Nobody may wait for it now.
        ioctl($fault, 0xc028aa03, $copy);
    }
    exit;
}
$| = 1;
print "ready\n";
my @held;
while (accept(my $connection, $listener)) {
    # Its content is forgotten, so that it is waited for anew.
    syscall($madvise, $page, 4096, 4);
    syscall($recvfrom, fileno($connection), $page, 1, 0, 0, 0);
    my $left = $bytes - 1;
    while ($left > 0 and my $got = sysread($connection, my $rest, 65536)) {
        $left -= $got;
    }
    push @held, $connection;
}
