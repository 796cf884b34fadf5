/*
 * The bell: a descriptor by which one process wakes another, of which one side, the core, must never wait for the other.
 *
 * Shape      down (the core rings): a pair of stream sockets, the core's end shut for reading. Up (the core hears): an eventfd, which
 *            the core reads with RWF_NOWAIT. All ends non-blocking and close-on-exec; each side closes the other's end
 * Overlap    any thread, any process that holds the end
 * Progress   never blocks, whatever the other side does with its end
 * Errors     negative errno; -EPIPE: the other side is gone (told of down bells only)
 * Trust      a full bell counts as rung. Why these two and no pipe: each operation on a pipe holds its mutex while it copies from or to the
 *            caller's memory, so that a peer whose memory comes late (userfaultfd, FUSE, a hole being punched) stops the other side inside
 *            the kernel, where not even SIGKILL ends the wait. Why no eventfd down: O_NONBLOCK belongs to the shared description, a peer
 *            clears it, fills the counter and hangs the ringer. Why no socket up: it could bring descriptors that take long to close
 */
#ifndef CF_SHM_SYS_BELL_H
#define CF_SHM_SYS_BELL_H

/* Makes a bell that the core rings: read_fd is for the peer. */
int cf_bell_create_down(int *ret_read_fd, int *ret_write_fd);

/* Makes a bell that the core hears: write_fd is for the peer. */
int cf_bell_create_up(int *ret_read_fd, int *ret_write_fd);

/* These ring: 0 when the sleeper will find it readable, -EPIPE when nobody holds the read end of a down bell. Raises no SIGPIPE. */
int cf_bell_ring_down(int write_fd);
int cf_bell_ring_up(int write_fd);

/* Before a peer rings what a service gave it: -EPROTO for a socket or a pipe, which could raise SIGPIPE. */
int cf_bell_check_up(int write_fd);

/*
 * Makes it unreadable until the next ring. Returns 1 when it had been rung, 0 when not, -EPIPE when nobody holds the write end of
 * a down bell any more.
 */
int cf_bell_drain(int read_fd);

#endif
