#!/usr/bin/perl
# Stands in for the guest: greets each connection with an empty line as the guest does with its Hello, takes one command for sh
# until the connection's sending half ends, and answers with what the command printed and, as the last line, its exit status.
# perl, because a minimal Debian has it where it has no python3.
use strict;
use warnings;
use Fcntl;

open(my $listener, '+<&=', 3) or die "no socket at descriptor 3: $!";
fcntl($listener, F_SETFL, fcntl($listener, F_GETFL, 0) & ~O_NONBLOCK) or die "fcntl: $!";
$SIG{CHLD} = 'IGNORE';
while (1) {
    next unless accept(my $lane, $listener);
    my $pid = fork;
    defined $pid or die "fork: $!";
    if ($pid) {
        close $lane;
        next;
    }
    $SIG{CHLD} = 'DEFAULT';
    close $listener;
    syswrite $lane, "\n";
    my $command = do { local $/; <$lane> };
    open(STDIN, '<', '/dev/null') or die $!;
    open(STDOUT, '>&', $lane) or die $!;
    open(STDERR, '>&', $lane) or die $!;
    close $lane;
    %ENV = (PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME => '/root', LANG => 'C.UTF-8');
    my $status = system('/bin/sh', '-c', $command);
    syswrite STDOUT, "\n" . ($status == -1 ? 127 : $status & 127 ? 128 + ($status & 127) : $status >> 8);
    exit 0;
}
