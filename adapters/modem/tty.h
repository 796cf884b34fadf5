/*
 * The serial line of a modem: opened, watched, read and written without ever waiting, lost and looked for again.
 *
 * Units      ns of CLOCK_MONOTONIC
 * Progress   never blocks: O_NONBLOCK, and read(2), write(2) from the reactor's callback until they say EAGAIN (a multishot poll
 *            reports changes only). A device that floods is read CF_TTY_TURN_MAX bytes at a time
 * Errors     an open that fails, end of file, EIO and hang-up are all the same: the device is gone, on_gone() is called once, and it is
 *            opened again after a pause that doubles each time up to 16 times. What finds no room in the out buffer is dropped and counted
 *            by the return value of cf_tty_write()
 */
#ifndef CALLFAN_ADAPTERS_MODEM_TTY_H
#define CALLFAN_ADAPTERS_MODEM_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/provider/reactor.h"

enum {
    CF_TTY_OUT_MAX = 1024,
    CF_TTY_TURN_MAX = 16384,
};

struct cf_tty_callbacks {
    void (*opened)(void *context, int64_t now_ns);
    void (*gone)(void *context, const char *why, int64_t now_ns); /* why: why it could not be opened, or why it went */
    void (*received)(void *context, const uint8_t *bytes, uint32_t len, int64_t now_ns);
    void *context;
};

struct cf_tty {
    const char *path;
    uint32_t speed;
    bool flow; /* RTS/CTS */
    int64_t retry_ns;
    struct cf_tty_callbacks callbacks;
    struct cf_reactor *reactor;
    int fd, source;
    bool paused, more; /* there may be more to read */
    bool sick;         /* to be closed once no callback is running */
    unsigned failures;
    int64_t open_due;
    uint32_t out_len;
    uint8_t out[CF_TTY_OUT_MAX];
};

/* True when termios knows the speed. */
bool cf_tty_speed_is_known(uint32_t speed);

/* Keeps path. It is opened by the first tick. */
void cf_tty_init(struct cf_tty *tty, const char *path, uint32_t speed, bool flow, int64_t retry_ns,
                 struct cf_reactor *reactor, const struct cf_tty_callbacks *callbacks);
void cf_tty_close(struct cf_tty *tty);

/* False: some bytes found no room. */
bool cf_tty_write(struct cf_tty *tty, const char *bytes, uint32_t len);

/* Closes it soon and tells gone(): the modem does not answer. May be called from within a callback. */
void cf_tty_give_up(struct cf_tty *tty);

/* It answers: the next pause is a short one again. */
void cf_tty_is_well(struct cf_tty *tty);

/* Stops reading, or goes on. */
void cf_tty_pause(struct cf_tty *tty, bool paused);

/* Does what is due. Returns when to come back. */
int64_t cf_tty_tick(struct cf_tty *tty, int64_t now_ns);

#endif
