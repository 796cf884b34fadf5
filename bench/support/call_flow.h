/*
 * Calls on their way through their stages: which of many live calls begins, changes or ends next. They end in random order, and what ended last is
 * used again last, so that calls which are neighbours in time are not neighbours in memory.
 *
 * Units      numbers of calls from 0; stages are entered by batches of `batch` calls
 * Invariant  after a round in which every stage was ready: `calls` live, `distance` of them before each of ACCEPTED, CONNECTED and IDLE, the others
 *            stand; `spare` numbers are free
 * Errors     end the program, as those of a bed
 * Overlap    one thread
 */
#ifndef CALLFAN_BENCH_CALL_FLOW_H
#define CALLFAN_BENCH_CALL_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/* What happens to a call, in this order. */
enum cf_stage { CF_STAGE_OFFERING, CF_STAGE_ACCEPTED, CF_STAGE_CONNECTED, CF_STAGE_DISCONNECTED, CF_STAGE_IDLE, CF_STAGES };

struct cf_flow_queue {
    uint32_t *numbers;
    uint64_t head, tail;
};

struct cf_flow {
    uint64_t calls, batch, distance, spare, mask, seed;
    uint32_t *standing;
    uint64_t standing_count;
    struct cf_flow_queue before[CF_STAGES]; /* who waits for that stage; nobody for DISCONNECTED: any of those that stand */
    uint32_t *life;                         /* of each number: how often it has ended */
};

/* calls + spare numbers, which all live and stand: the spare ones are ended by the first rounds. spare and distance are whole batches. */
void cf_flow_init(struct cf_flow *f, uint64_t calls, uint64_t spare, uint64_t distance, uint64_t batch);
void cf_flow_fini(struct cf_flow *f);

/* Whether a batch may enter that stage in this round. A round asks for each stage once, in their order. */
bool cf_flow_ready(const struct cf_flow *f, enum cf_stage stage);

/* The next call of a batch enters it: its number, and its life unless NULL. */
uint32_t cf_flow_enter(struct cf_flow *f, enum cf_stage stage, uint32_t *ret_life);

#endif
