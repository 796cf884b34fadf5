/*
 * The bell: a pipe by which one process wakes another.
 *
 * Shape      a pipe of one page, both ends non-blocking and close-on-exec. Each side keeps its own end and closes the other's, so
 *            that each end's flags belong to one side. (An eventfd shared with a peer is no bell: O_NONBLOCK belongs to the shared
 *            description, a peer clears it, fills the counter and hangs the ringer.)
 * Overlap    any thread, any process that holds the end
 * Progress   never blocks
 * Errors     negative errno; -EPIPE: the other side is gone
 * Trust      whatever the peer does to its end, ring and drain return at once; a full pipe counts as rung
 */
#ifndef CF_SHM_SYS_BELL_H
#define CF_SHM_SYS_BELL_H

/* Makes a bell. */
int cf_bell_create(int *ret_read_fd, int *ret_write_fd);

/*
 * Rings: 0 when the sleeper will find the pipe readable, -EPIPE when nobody holds the read end. Raises no SIGPIPE, whatever the
 * program's disposition: through RWF_NOSIGNAL, or on a kernel before 6.18 by blocking and taking the signal in this thread.
 */
int cf_bell_ring(int write_fd);

/*
 * Makes the pipe unreadable until the next ring. Returns 1 when it had been rung, 0 when not, -EPIPE when nobody holds the write
 * end. One read: what a peer put beyond a page stays, and the pipe readable.
 */
int cf_bell_drain(int read_fd);

#endif
