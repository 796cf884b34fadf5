/*
 * callfan-sip as a program between a core that the test plays and a telephone of the test's own.
 *
 * Shape      two lines of two calls each; the telephone answers 200 to whatever it is asked, but where silence was ordered
 * Errors     what does not come within 20 s fails the test
 */
#ifndef CALLFAN_TESTS_SUPPORT_SIP_PHONE_H
#define CALLFAN_TESTS_SUPPORT_SIP_PHONE_H

#include <sys/types.h>

#include "adapters/sip/net.h"
#include "callfan/provider.h"
#include "tests/support/provider_core.h"

enum { SIP_PHONE_TEXT_MAX = 4096, SIP_PHONE_NAMES = 26 };

struct sip_phone {
    struct provider_core core;
    pid_t pid;
    int out;
    char said[8192];
    int udp;                /* the telephone */
    union cf_sip_addr peer; /* the line that it talks with */
    uint16_t ports[2];      /* of the lines */
    uint16_t own_port;
    struct cf_line_caps caps;                      /* of the lines */
    uint64_t call;                                 /* the newest that was announced */
    uint64_t replied_call;                         /* named by the newest reply */
    char heard[SIP_PHONE_TEXT_MAX];                /* events since they were looked at: see sip_phone_heard() */
    unsigned silent;                               /* so many requests other than ACK the telephone does not answer */
    char asked[SIP_PHONE_TEXT_MAX];                /* methods that it was asked, in order */
    unsigned calls;                                /* made by the telephone */
    char tag[64];                                  /* of the program in the newest of them */
    char caller[200], called[200], called_id[200]; /* of the newest that it was made to: From, its own To, Call-ID */

    /* With sip_phone_open_focus(): it is the focus too. */
    bool focus;
    unsigned refuse;        /* status to INVITEs of the factory; 0: 200 */
    unsigned refuse_change; /* status to re-INVITEs of a conference; 0: 200 */
    bool watched;           /* it tells who is in it */
    bool no_focus;          /* which then has no isfocus */
    bool of_factory;        /* what is being answered */
    unsigned refer;         /* status to REFER; 0: 200, and nothing more will be told of it */
    char refer_to[1024];    /* of the newest REFER */
    uint32_t refer_cseq;
    char conference[1024];           /* From, To and Call-ID of what it asks within the newest conference */
    unsigned asked_within;           /* so many */
    uint64_t names[SIP_PHONE_NAMES]; /* of calls, in the order in which the core heard of them: a, b, c ... */
    uint64_t parent;                 /* that the newest CONFERENCED named */
};

/* more: a setting KEY=VALUE of the program. */
void sip_phone_open(struct sip_phone *f, const char *more);
void sip_phone_close(struct sip_phone *f);

/* The same with six calls a line, for which the telephone is the focus of the factory too. more: a further setting; NULL: none. */
void sip_phone_open_focus(struct sip_phone *f, const char *more);

/* The core is lost and another one attached to. */
void sip_phone_new_core(struct sip_phone *f);

/* ---- the telephone */

void sip_phone_talk_with(struct sip_phone *f, unsigned line);
void sip_phone_send(struct sip_phone *f, const char *text);

/* It calls. */
void sip_phone_ring(struct sip_phone *f);

/* A connected call of the telephone's. */
uint64_t sip_phone_connect(struct sip_phone *f);

/* A request within the newest of its calls. extra: header lines; body NULL: none. */
void sip_phone_ask(struct sip_phone *f, const char *method, unsigned cseq, const char *extra, const char *body);

/* The same within the newest that it was called by. */
void sip_phone_ask_caller(struct sip_phone *f, const char *method, unsigned cseq, const char *extra, const char *body);

/* A request of the focus within the newest conference; NOTIFY with this status, which is the last or not. */
void sip_phone_ask_conference(struct sip_phone *f, const char *method, const char *extra, const char *body);
void sip_phone_notify(struct sip_phone *f, unsigned status, bool last);

/* Waits until it is asked this; what it was asked before is forgotten. */
void sip_phone_asked(struct sip_phone *f, const char *method);

/* ---- the core */

/*
 * Listens, and lets the telephone talk, until these words have been heard, and nothing else: +STATE a new call, STATE, D1 a digit, NUMBER:RESULT a
 * reply, which of a gathering goes on with /LINEGATHERTERM_=DIGITS, SNAPSHOT its end. With a focus each state has the call's name and a point before
 * it.
 */
void sip_phone_heard(struct sip_phone *f, const char *wanted);
void sip_phone_heard_error(struct sip_phone *f, unsigned number, unsigned error);

void sip_phone_command(struct sip_phone *f, uint16_t id, uint64_t call, uint64_t param1, uint64_t param2);
void sip_phone_command_with(struct sip_phone *f, uint16_t id, uint64_t call, uint64_t number, uint16_t tag,
                            const char *text);

/* Waits until the program has said this on its standard error, and gives what stands behind it. */
const char *sip_phone_said(struct sip_phone *f, const char *wanted);

#endif
