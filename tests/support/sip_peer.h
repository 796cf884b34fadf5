/*
 * The other side of calls that we make, for tests over sip_rig.h: what it answers to the requests that were sent.
 */
#ifndef CALLFAN_TESTS_SUPPORT_SIP_PEER_H
#define CALLFAN_TESTS_SUPPORT_SIP_PEER_H

#include "tests/support/sip_rig.h"

#define ANSWER(direction)                                                                                              \
    "v=0\r\no=- 7 7 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n"                                  \
    "m=audio 32456 RTP/AVP 8\r\na=" direction "\r\n"

#define CONTACT "Contact: <sip:200@198.51.100.7:5071>\r\n"

#define CHALLENGE "Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n"

/* A request of ours that was sent, kept by its text. */
struct sip_asked {
    char text[4096];
    struct cf_sip_msg msg;
};

/* The configuration of a line with a peer at 198.51.100.7:5070. */
struct cf_sip_config sip_peer_config(void);

/* The same with what answers CHALLENGE. */
struct cf_sip_config sip_peer_login_config(void);

/* Opens a rig with sip_peer_config(). */
void sip_peer_open(struct sip_rig *rig);

/* Lets every timer run out, looks whether something is left, and closes the rig. */
void sip_peer_close(struct sip_rig *rig);

/* Passes time until something is sent, `most` at the most. */
void sip_peer_pass_until_sent(struct sip_rig *rig, uint64_t most);

bool sip_peer_slice_is(const struct cf_sip_msg *msg, struct cf_sip_slice slice, const char *text);

/* Makes a call, whose INVITE is what was sent. */
void sip_peer_make(struct sip_rig *rig, const char *destination, struct sip_asked *ret_invite);

/* The index-th message sent, which must be a request; all that was sent is then forgotten if `clear`. */
void sip_peer_take(struct sip_rig *rig, unsigned index, struct sip_asked *ret_asked);

/* Receives a response to `asked`: tag NULL: none, or that of the request. extra: header lines. */
void sip_peer_answer(struct sip_rig *rig, const struct sip_asked *asked, unsigned status, const char *tag,
                     const char *extra, const char *body);

/* A call that we made and that was answered by tag "callee"; what was sent and told is forgotten. */
void sip_peer_connect(struct sip_rig *rig, struct sip_asked *ret_invite);

/* Receives a request of the callee within the dialog. */
void sip_peer_ask(struct sip_rig *rig, const struct sip_asked *invite, const char *method, unsigned cseq,
                  const char *extra, const char *body);

#endif
