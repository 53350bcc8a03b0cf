/* Starts the programs that the benchmark measures. It is the raw-PTY floor: the driver reads and writes the master that
 * bench_spawn returns, and nothing stands between it and the shell.
 *
 * vfork, because a fork would copy the driver's page tables and charge a few milliseconds to every peer that is a program. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOW_TERMINAL = 0, HOW_PIPES = 1, HOW_SERVER = 2 };

static int open_master(char *slave, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0)
        return -1;
    struct winsize window = { .ws_row = 24, .ws_col = 80 };
    if (grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, slave, size) != 0
        || ioctl(master, TIOCSWINSZ, &window) != 0) {
        close(master);
        return -1;
    }
    return master;
}

/* Runs in the child between vfork and exec: system calls only. */
static _Noreturn __attribute__((noinline)) void become(char *const argv[], char *const envp[], int how, const char *slave,
                                                       int in, int out, int err, int death_signal, const sigset_t *mask)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    for (int signal = 1; signal < 32; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            sigaction(signal, &standard, NULL);
    /* A session of its own for servers too, as a service manager gives them: where the scheduler groups tasks by session, a
     * server that shared the driver's group would pay for the driver's readers. */
    if (how == HOW_PIPES)
        setpgid(0, 0); /* Ctrl+C is for the driver, which then ends the others in order */
    else
        setsid();
    if (how == HOW_TERMINAL)
        in = out = err = open(slave, O_RDWR); /* first terminal opened by a session leader: its controlling terminal */
    prctl(PR_SET_PDEATHSIG, death_signal);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    close_range(3, ~0U, 0);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execve(argv[0], argv, envp);
    _exit(127);
}

/* A function of its own, so that no variable of the caller lives in a register across vfork. */
static __attribute__((noinline)) pid_t start(char *const argv[], char *const envp[], int how, const char *slave, int in,
                                             int out, int err, int death_signal)
{
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    pid_t pid = vfork();
    if (pid == 0)
        become(argv, envp, how, slave, in, out, err, death_signal, &mask);
    int failure = errno;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = failure;
    return pid;
}

/* Returns the child's pid, or -errno. fds: [0] to read the child's output from, [1] to write its input to (-1: none).
 * The child is killed with death_signal when the calling thread ends, so call from a thread that lives as long as the driver. */
int bench_spawn(char *const argv[], char *const envp[], int how, const char *log, int death_signal, int fds[2])
{
    char slave[64];
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, master = -1, err = -1;
    fds[0] = fds[1] = -1;

    if (how == HOW_TERMINAL) {
        master = open_master(slave, sizeof slave);
        if (master < 0)
            return -errno;
    } else {
        err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (err < 0)
            return -errno;
        if (how == HOW_PIPES) {
            if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
                return -errno;
        } else {
            in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
            out[1] = err;
        }
    }

    pid_t pid = start(argv, envp, how, slave, in[0], out[1], err, death_signal);
    int failure = errno;

    if (in[0] >= 0)
        close(in[0]);
    if (out[1] >= 0 && out[1] != err)
        close(out[1]);
    if (err >= 0)
        close(err);
    if (pid < 0)
        return -failure;
    fds[0] = master >= 0 ? master : out[0];
    fds[1] = master >= 0 ? master : in[1];
    return pid;
}
