/*
 * A visitor: who has connected and is no port yet. Says hello, is admitted, refused, or reads the status.
 *
 * Shape      a fixed number of places; when all are taken, who has said nothing for the longest time is sent away
 * Trust      a visitor may send anything, nothing, or stop reading; each has a deadline
 */
#ifndef CF_CALLFAND_VISITOR_H
#define CF_CALLFAND_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/hello.h"
#include "shm/sys_socket.h"

enum cf_visitor_state {
    CF_VISITOR_NONE,
    CF_VISITOR_SILENT,  /* no hello yet */
    CF_VISITOR_WAITS,   /* for its inspection */
    CF_VISITOR_ASKS,    /* waits for a snapshot */
    CF_VISITOR_LISTENS, /* is being sent the status */
};

struct cf_visitor {
    enum cf_visitor_state state;
    int fd;
    int64_t deadline_ns, since_ns;
    struct cf_peer peer;
    bool doctor;    /* asks for the inspection with the snapshot */
    bool inspected; /* the inspection that is made, or was made, is for it */
    uint32_t doctor_flags, doctor_older_ms;
    char *text; /* of the status */
    size_t text_bytes, sent_bytes;
};

/* Takes fd. */
void cf_visitor_init(struct cf_visitor *visitor, int fd, const struct cf_peer *peer, int64_t now_ns,
                     int64_t hello_ns);

/* Closes whatever it still has. */
void cf_visitor_fini(struct cf_visitor *visitor);

/*
 * Reads the hello. 0: ret_bytes bytes of ret_hello, which may be any garbage (a longer packet counts as one of 0 bytes); -EAGAIN: nothing yet;
 * -ECONNRESET: it left.
 */
int cf_visitor_hear(struct cf_visitor *visitor, struct cf_hello *ret_hello, size_t *ret_bytes);

/* Tells why it is not admitted, and reads what it still had to say, so that the answer is not lost with the connection. */
void cf_visitor_refuse(int fd, int32_t result, const char *text);

/* Takes text. */
void cf_visitor_tell(struct cf_visitor *visitor, char *text, size_t text_bytes, int64_t deadline_ns);

/* Sends what can be sent. True: more is left, wait until it can be written to. */
bool cf_visitor_send(struct cf_visitor *visitor);

#endif
