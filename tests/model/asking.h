/* What the files of the simulated applications share: how they ask. */
#ifndef CF_TESTS_MODEL_ASKING_H
#define CF_TESTS_MODEL_ASKING_H

#include "tests/model/sim.h"

/* Begins a record without a reply slot, the only one there is. */
struct cf_record *sim_request(uint16_t id, uint64_t device, uint32_t open_line);

/* Sends a synchronous request; false when no reply slot is free. */
bool sim_put_sync(struct sim *s, uint32_t port, struct cf_record *r);
/* One with a LINE_REPLY, unless too many are outstanding. */
void sim_put_async(struct sim *s, uint32_t port, struct cf_record *r);

/* Outstanding ones of a kind, as the library counts them: so many are never refused. */
bool sim_may_ask(const struct sim *s, uint32_t port, bool apart);

/* What is looked for: an owner's handle of a call in one of those states, of the line of another one, of a conference. */
struct sim_wish {
    uint32_t states;
    const struct m_call *line_of; /* NULL: any line */
    bool conference;
    bool monitors; /* a monitor's handle will do */
};

/* Mostly one that grants the wish, if there is any; else some other; NULL: it has no handle at all. */
struct m_ref *sim_wished_ref(struct sim *s, uint32_t port, struct sim_wish w);

/* Somebody has asked this of the call already: which of the two a command is could not be told. */
bool sim_asked_already(const struct sim *s, uint16_t id, uint32_t call);

/* ------------------------------------------------------------------ asking_media.c */

void sim_put_apart(struct sim *s, uint32_t port);
void sim_put_listen(struct sim *s, uint32_t port);

#endif
