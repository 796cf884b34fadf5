#include "bench/support/call_flow.h"

#include <stdlib.h>
#include <string.h>

#include "bench/support/engine_bed.h"

static uint32_t *numbers_new(uint64_t count) {
    uint32_t *numbers = calloc(count, sizeof *numbers);
    cf_bed_must(numbers != NULL, "no memory");
    return numbers;
}

void cf_flow_init(struct cf_flow *f, uint64_t calls, uint64_t spare, uint64_t distance, uint64_t batch) {
    uint64_t room = 1, numbers = calls + spare;
    cf_bed_must(spare >= batch && spare % batch == 0 && distance % batch == 0 && calls > 3 * (distance + batch), "a flow without calls");
    while (room < spare + batch || room < distance + 2 * batch)
        room *= 2;
    *f = (struct cf_flow){.calls = calls, .batch = batch, .distance = distance, .spare = spare, .mask = room - 1, .seed = 88172645463325252u,
                          .standing = numbers_new(numbers), .standing_count = numbers, .life = numbers_new(numbers)};
    for (int s = 0; s < CF_STAGES; s++)
        if (s != CF_STAGE_DISCONNECTED)
            f->before[s].numbers = numbers_new(room);
    for (uint32_t i = 0; i < numbers; i++)
        f->standing[i] = i;
}

void cf_flow_fini(struct cf_flow *f) {
    for (int s = 0; s < CF_STAGES; s++)
        free(f->before[s].numbers);
    free(f->standing);
    free(f->life);
    memset(f, 0, sizeof *f);
}

bool cf_flow_ready(const struct cf_flow *f, enum cf_stage stage) {
    const struct cf_flow_queue *q = &f->before[stage];
    switch (stage) {
    case CF_STAGE_OFFERING:
        return q->tail - q->head >= f->spare;
    case CF_STAGE_DISCONNECTED:
        return true;
    default:
        return q->tail - q->head >= f->distance + f->batch;
    }
}

static uint32_t any_that_stands(struct cf_flow *f) {
    f->seed ^= f->seed << 13;
    f->seed ^= f->seed >> 7;
    f->seed ^= f->seed << 17;
    uint32_t *at = &f->standing[f->seed % f->standing_count], number = *at;
    *at = f->standing[--f->standing_count];
    return number;
}

static uint32_t pop(struct cf_flow *f, enum cf_stage stage) { return f->before[stage].numbers[f->before[stage].head++ & f->mask]; }

static void push(struct cf_flow *f, enum cf_stage stage, uint32_t number) {
    f->before[stage].numbers[f->before[stage].tail++ & f->mask] = number;
}

uint32_t cf_flow_enter(struct cf_flow *f, enum cf_stage stage, uint32_t *ret_life) {
    uint32_t number = stage == CF_STAGE_DISCONNECTED ? any_that_stands(f) : pop(f, stage);
    if (ret_life != NULL)
        *ret_life = f->life[number];
    if (stage == CF_STAGE_CONNECTED) {
        f->standing[f->standing_count++] = number;
    } else if (stage == CF_STAGE_IDLE) {
        f->life[number]++;
        push(f, CF_STAGE_OFFERING, number);
    } else {
        push(f, (enum cf_stage)(stage + 1), number);
    }
    return number;
}
