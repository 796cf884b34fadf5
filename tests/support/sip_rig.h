/*
 * A SIP user agent under simulated time, for tests: what it sends is kept and read with its own scanner, what it
 * reports is kept as a line of words.
 */
#ifndef CALLFAN_TESTS_SUPPORT_SIP_RIG_H
#define CALLFAN_TESTS_SUPPORT_SIP_RIG_H

#include "adapters/sip/ua.h"

#define MS CF_SIP_NS_PER_MS
#define S  CF_SIP_NS_PER_S

enum { SENT_MAX = 64 };

struct sip_sent {
    char text[4096];
    size_t len;
    uint16_t port;
    struct cf_sip_hop to;
};

struct sip_rig {
    struct cf_sip_ua *ua;
    void *memory;
    uint64_t now;
    struct cf_sip_hop peer;
    struct sip_sent sent[SENT_MAX];
    unsigned sent_count;
    char log[2048];
    char caller[200], caller_name[200], called[200];
    uint64_t call; /* of the newest OFFERING or BEGUN */
    struct cf_sip_identity identity; /* of it */
    struct cf_sip_event last;
    unsigned refuse; /* status to refuse an OFFERING with from inside the event */
    char tag[64];    /* our tag, from the newest response */
};

#define SDP(direction)                                                                                                 \
    "v=0\r\no=- 1 1 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n"                                  \
    "m=audio 32456 RTP/AVP 18 8 0 101\r\na=" direction "\r\n"

struct cf_sip_config sip_rig_config(void);

void sip_rig_open(struct sip_rig *rig, struct cf_sip_config config);

void sip_rig_open_holding(struct sip_rig *rig, struct cf_sip_config config,
                          void (*hold)(void *context, uint64_t connection, bool on));

void sip_rig_close(struct sip_rig *rig);

void sip_rig_clear(struct sip_rig *rig);

void sip_rig_receive(struct sip_rig *rig, const char *text);

/* Lets the time pass from deadline to deadline, as the program around it does. */
void sip_rig_pass(struct sip_rig *rig, uint64_t ns);

/* Builds a request of the caller. `extra` are header lines; body NULL: none. */
const char *sip_rig_request(struct sip_rig *rig, const char *method, unsigned cseq, const char *branch, bool tagged,
                            const char *extra, const char *body);

/* The header line of a body, unless `extra` says what it is. */
const char *sip_rig_type(const char *extra, const char *body);

void sip_rig_invite(struct sip_rig *rig);

struct cf_sip_msg sip_rig_read_sent(const struct sip_rig *rig, unsigned index);

/* The statuses (or methods) that were sent, as one line of words. */
void sip_rig_assert_sent(struct sip_rig *rig, const char *wanted);

void sip_rig_assert_log(struct sip_rig *rig, const char *wanted);

void sip_rig_assert_nothing_left(struct sip_rig *rig);

/* An answered and confirmed call. */
void sip_rig_connect(struct sip_rig *rig);

bool sip_rig_body_has(const struct sip_rig *rig, unsigned index, const char *line);

#endif
