/* See tty.h. */
#include "adapters/modem/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

enum {
    DOUBLINGS_MAX = 4,
    PSEUDO_MAJOR_FIRST = 136, /* UNIX98_PTY_SLAVE_MAJOR */
    PSEUDO_MAJOR_LAST = 143,
};

static const struct {
    uint32_t speed;
    speed_t code;
} speeds[] = {
    {1200, B1200},   {2400, B2400},     {4800, B4800},     {9600, B9600},     {19200, B19200},   {38400, B38400},
    {57600, B57600}, {115200, B115200}, {230400, B230400}, {460800, B460800}, {921600, B921600},
};

static speed_t code_of(uint32_t speed)
{
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
        if (speeds[i].speed == speed)
            return speeds[i].code;
    return B0;
}

bool cf_tty_speed_is_known(uint32_t speed)
{
    return code_of(speed) != B0;
}

void cf_tty_init(struct cf_tty *tty, const char *path, uint32_t speed, bool flow, int64_t retry_ns,
                 struct cf_reactor *reactor, const struct cf_tty_callbacks *callbacks)
{
    *tty = (struct cf_tty){.path = path,
                           .speed = speed,
                           .flow = flow,
                           .retry_ns = retry_ns,
                           .callbacks = *callbacks,
                           .reactor = reactor,
                           .fd = -1,
                           .source = -1};
}

/* ------------------------------------------------------------------ gone */

void cf_tty_close(struct cf_tty *tty)
{
    if (tty->source >= 0)
        cf_reactor_remove(tty->reactor, tty->source);
    if (tty->fd >= 0) {
        tcflush(tty->fd, TCOFLUSH); /* else close() may wait half a minute for a device that takes nothing */
        close(tty->fd);
    }
    tty->fd = tty->source = -1;
    tty->out_len = 0;
    tty->more = tty->sick = false;
}

static void gone(struct cf_tty *tty, const char *why, int64_t now_ns)
{
    cf_tty_close(tty);
    tty->open_due = now_ns + (tty->retry_ns << tty->failures);
    tty->failures += tty->failures < DOUBLINGS_MAX;
    tty->callbacks.gone(tty->callbacks.context, why, now_ns);
}

void cf_tty_give_up(struct cf_tty *tty)
{
    tty->sick = tty->fd >= 0;
}

void cf_tty_is_well(struct cf_tty *tty)
{
    tty->failures = 0;
}

/* ------------------------------------------------------------------ bytes */

static void flush(struct cf_tty *tty)
{
    while (tty->out_len > 0) {
        const ssize_t n = write(tty->fd, tty->out, tty->out_len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* POLLOUT comes, or the end is seen by reading */
        tty->out_len -= (uint32_t)n;
        memmove(tty->out, tty->out + n, tty->out_len);
    }
}

bool cf_tty_write(struct cf_tty *tty, const char *bytes, uint32_t len)
{
    if (tty->fd < 0 || len > CF_TTY_OUT_MAX - tty->out_len)
        return false;
    memcpy(tty->out + tty->out_len, bytes, len);
    tty->out_len += len;
    flush(tty);
    return true;
}

/* NULL or why the device is gone. */
static const char *drain(struct cf_tty *tty, int64_t now_ns)
{
    uint8_t bytes[512];
    tty->more = false;
    for (uint32_t total = 0; total < CF_TTY_TURN_MAX;) {
        const ssize_t n = read(tty->fd, bytes, sizeof(bytes));
        if (n == 0)
            return "end of file";
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? NULL : strerror(errno);
        total += (uint32_t)n;
        tty->callbacks.received(tty->callbacks.context, bytes, (uint32_t)n, now_ns);
        if (tty->sick)
            return NULL;
    }
    tty->more = true;
    return NULL;
}

static void on_ready(void *context, uint32_t events, int64_t now_ns)
{
    struct cf_tty *tty = context;
    if (tty->fd < 0)
        return;
    flush(tty);
    if (tty->paused && (events & (POLLHUP | POLLERR)) == 0) {
        tty->more = true;
        return;
    }
    const char *why = drain(tty, now_ns);
    if (why == NULL && !tty->more && (events & (POLLHUP | POLLERR)) != 0)
        why = "hang-up";
    if (why != NULL)
        gone(tty, why, now_ns);
}

void cf_tty_pause(struct cf_tty *tty, bool paused)
{
    tty->paused = paused;
}

/* ------------------------------------------------------------------ opening */

/* It would stay exclusive when we are killed, as its other end keeps it: only who has CAP_SYS_ADMIN could open it again. */
static bool is_pseudo(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && major(st.st_rdev) >= PSEUDO_MAJOR_FIRST && major(st.st_rdev) <= PSEUDO_MAJOR_LAST;
}

/* Raw, eight bits, no modem control lines; closing it drops DTR, which makes most modems hang up. */
static int make_raw(const struct cf_tty *tty)
{
    struct termios t;
    if (tcgetattr(tty->fd, &t) != 0)
        return -errno;
    cfmakeraw(&t);
    t.c_cflag |= CLOCAL | CREAD | HUPCL;
    t.c_cflag = tty->flow ? t.c_cflag | CRTSCTS : t.c_cflag & ~(tcflag_t)CRTSCTS;
    t.c_cc[VMIN] = 1; /* so that 0 from read() is the end */
    t.c_cc[VTIME] = 0;
    if (cfsetispeed(&t, code_of(tty->speed)) != 0 || cfsetospeed(&t, code_of(tty->speed)) != 0)
        return -errno;
    if (tcsetattr(tty->fd, TCSANOW, &t) != 0 || (!is_pseudo(tty->fd) && ioctl(tty->fd, TIOCEXCL) != 0))
        return -errno;
    tcflush(tty->fd, TCIOFLUSH);
    return 0;
}

static int try_open(struct cf_tty *tty)
{
    tty->fd = open(tty->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (tty->fd < 0)
        return -errno;
    const int rc = make_raw(tty);
    if (rc < 0)
        return rc;
    tty->source = cf_reactor_watch(tty->reactor, tty->fd, POLLIN | POLLOUT, on_ready, tty);
    return tty->source < 0 ? tty->source : 0;
}

int64_t cf_tty_tick(struct cf_tty *tty, int64_t now_ns)
{
    if (tty->sick) {
        gone(tty, "the modem does not answer", now_ns);
    } else if (tty->fd >= 0) {
        if (tty->more && !tty->paused)
            on_ready(tty, POLLIN, now_ns);
        return tty->fd < 0 ? tty->open_due : tty->more && !tty->paused ? now_ns : CF_REACTOR_NEVER;
    }
    if (now_ns < tty->open_due)
        return tty->open_due;
    const int rc = try_open(tty);
    if (rc < 0) {
        gone(tty, strerror(-rc), now_ns);
        return tty->open_due;
    }
    tty->callbacks.opened(tty->callbacks.context, now_ns);
    return now_ns;
}
