/*
 * The real handle table in every interleaving of its owner, of who releases and of who looks up: one release wins, a stale look-up never
 * succeeds, words are those of the life that was asked for, everything is void when a close has returned, and no slot is lost or doubled.
 */
#include <stddef.h>
#include <string.h>

#include "shm/handle_table.h"
#include "tests/support/explorer.h"

enum { LIMIT = 4, STRIDE = 32 };

static struct {
    struct cf_handle_head head __attribute__((aligned(64)));
    uint8_t slots[LIMIT * STRIDE] __attribute__((aligned(64)));
    uint64_t segments[LIMIT];
    uint8_t segment[LIMIT * STRIDE] __attribute__((aligned(64)));
    struct cf_handle_head parent_head __attribute__((aligned(64)));
    uint8_t parent_slots[LIMIT * STRIDE] __attribute__((aligned(64)));
} memory;

static struct cf_handle_table table, parents;

/* What threads tell each other: a handle that was handed on, and that a call has returned. 0: not yet. */
static uint32_t handed[2], returned[2];
static uint32_t index_of[2], won[CF_EXPLORER_THREADS];
static uint64_t line;

static void *provide(size_t bytes, void *arg)
{
    (void)arg;
    return bytes <= sizeof memory.segment ? memory.segment : NULL;
}

static void begin(void)
{
    memset(&memory, 0, sizeof memory);
    memset(&table, 0, sizeof table);
    memset(&parents, 0, sizeof parents);
    memset(handed, 0, sizeof handed);
    memset(returned, 0, sizeof returned);
    memset(won, 0, sizeof won);
    cf_handle_table_format(&memory.head, NULL, LIMIT, 0);
}

static void in_one_piece(uint32_t limit)
{
    begin();
    memory.head.limit = limit;
    cf_handle_table_view(&table, &memory.head, memory.slots, STRIDE, NULL);
    for (uint32_t i = 0; i < limit && i < 2; i++)
        cf_handle_table_allocate(&table, &index_of[i]);
}

static void checked(void)
{
    char why[256];
    cf_explorer_assert(cf_handle_table_check(&table, why, sizeof why), "%s", why);
}

static bool finds(uint32_t index, uint32_t generation)
{
    return cf_handle_table_look_up(&table, index, generation) != NULL;
}

/* ------------------------------------------------------------------ two release the same handle, the owner uses the slot again */

static void one_slot(void)
{
    in_one_piece(1);
}

static void release_as(uint32_t thread)
{
    won[thread] = cf_handle_table_release(&table, 0, 1);
    cf_explorer_assert(!finds(0, 1), "a handle is found after its release");
    cf_store_release_32(&returned[thread], 1);
}

static void release_first(void)
{
    release_as(0);
}

static void release_second(void)
{
    release_as(1);
}

static void use_again(void)
{
    uint32_t index, generation = cf_handle_table_allocate(&table, &index);
    bool ended = cf_load_acquire_32(&returned[0]) != 0;
    if (generation == 0 && ended)
        generation = cf_handle_table_allocate(&table, &index);
    if (generation == 0)
        return;
    cf_explorer_assert(index == 0 && generation == 3, "slot %u, generation %u", index, generation);
    cf_explorer_assert(finds(0, 3) && !finds(0, 1), "the new life is not the only one");
    won[2] = 1;
}

static void one_won(void)
{
    cf_explorer_assert(won[0] + won[1] == 1, "%u releases of one life", won[0] + won[1]);
    cf_explorer_assert(finds(0, 3) == (won[2] != 0) && !finds(0, 1), "generations at the end");
    checked();
}

/* ------------------------------------------------------------------ two slots come back while the owner allocates */

static void two_slots(void)
{
    in_one_piece(2);
}

static void release_zero(void)
{
    won[0] = cf_handle_table_release(&table, index_of[0], 1);
}

static void release_one(void)
{
    won[1] = cf_handle_table_release(&table, index_of[1], 1);
}

static uint32_t given[LIMIT], given_count;

static void allocate_some(void)
{
    given_count = 0;
    for (uint32_t n = 0; n < 2; n++) {
        uint32_t index, generation = cf_handle_table_allocate(&table, &index);
        if (generation == 0)
            continue;
        cf_explorer_assert(generation == 3, "generation %u", generation);
        given[given_count++] = index;
    }
}

static void none_lost(void)
{
    uint32_t index;
    cf_explorer_assert(won[0] == 1 && won[1] == 1, "a release failed");
    checked();
    while (given_count < LIMIT && cf_handle_table_allocate(&table, &index) != 0)
        given[given_count++] = index;
    cf_explorer_assert(given_count == 2 && given[0] != given[1], "%u slots of 2 came back", given_count);
    checked();
}

/* ------------------------------------------------------------------ a slot that was never used is handed on */

static void fresh(void)
{
    begin();
    memset(memory.slots, 1, sizeof memory.slots); /* old bytes: they would pass for generation 0x01010101 */
    cf_handle_table_view(&table, &memory.head, memory.slots, STRIDE, NULL);
}

static void hand_on(void)
{
    uint32_t index, generation = cf_handle_table_allocate(&table, &index);
    struct cf_handle_child *child = cf_handle_table_slot(&table, index);
    cf_handle_child_write(child, 7, 8);
    cf_store_release_32(&handed[0], generation);
}

static void look_up_fresh(void)
{
    cf_explorer_assert(!finds(0, 0x01010101), "old bytes are a handle");
    cf_explorer_wait_change(&handed[0], 4, 0);
    uint32_t generation = cf_load_acquire_32(&handed[0]);
    uint64_t state = 0, parent = 0;
    cf_explorer_assert(cf_handle_child_read(&table, 0, generation, &state, &parent) != NULL,
                       "a handle that was handed on is void");
    cf_explorer_assert(state == 8 && parent == 7, "its words are not there");
}

/* ------------------------------------------------------------------ the library's calls: install, release, look-up, close */

static void installed(void)
{
    uint32_t index;
    begin();
    cf_handle_table_format(&memory.parent_head, NULL, LIMIT, 0);
    cf_handle_table_view(&parents, &memory.parent_head, memory.parent_slots, STRIDE, NULL);
    line = cf_handle_parent(0, cf_handle_table_allocate(&parents, &index));
    cf_handle_table_view_segments(&table, &memory.head, memory.segments, 2, STRIDE, provide, NULL);
    cf_handle_table_set_installed(&table);
    cf_handle_table_set_parents(&table, &parents);
}

static void install(uint32_t generation, uint64_t state)
{
    struct cf_handle_child *child;
    enum cf_handle_install done = cf_handle_table_install(&table, 0, generation, line, state, &child);
    cf_explorer_assert(done == CF_INSTALL_NEW, "install of generation %u: %d", generation, done);
}

/* Two lives of one slot, one after the other; the first one's state changes once. */
static void install_two_lives(void)
{
    struct cf_handle_child *child;
    install(1, 11);
    cf_store_release_32(&handed[0], 1);
    child = cf_handle_child_read(&table, 0, 1, NULL, NULL);
    if (child != NULL)
        cf_handle_child_write(child, line, 12);
    install(3, 33);
    cf_store_release_32(&handed[1], 3);
}

/* Knows a handle of each life once it was handed on: it is that life's words or void. */
static void read_two_lives(void)
{
    uint64_t state = 0, parent = 0;
    cf_explorer_wait_change(&handed[0], 4, 0);
    cf_load_acquire_32(&handed[0]);
    if (cf_handle_child_read(&table, 0, 1, &state, &parent) != NULL)
        cf_explorer_assert((state == 11 || state == 12) && parent == line, "life 1 has the state %llu",
                           (unsigned long long)state);
    uint32_t second = cf_load_acquire_32(&handed[1]);
    if (second == 0)
        return;
    cf_explorer_assert(!finds(0, 1), "life 1 is found after life 3 began");
    cf_explorer_assert(cf_handle_child_read(&table, 0, 3, &state, &parent) != NULL && state == 33,
                       "life 3 has the state %llu", (unsigned long long)state);
}

/* lineDeallocateCall of the first life, from any other thread. */
static void release_first_life(void)
{
    cf_explorer_wait_change(&handed[0], 4, 0);
    cf_load_acquire_32(&handed[0]);
    won[2] = cf_handle_child_release(&table, 0, 1);
    cf_explorer_assert(!finds(0, 1), "life 1 is found after its release");
    cf_explorer_assert(!cf_handle_child_release(&table, 0, 1), "life 1 was released twice");
}

static void life_three_is_left(void)
{
    cf_explorer_assert(finds(0, 3) && !finds(0, 1), "life 3 is not the one that is left");
    checked();
}

static void installed_once(void)
{
    installed();
    install(1, 11);
}

static void release_installed_first(void)
{
    won[0] = cf_handle_child_release(&table, 0, 1);
}

static void release_installed_second(void)
{
    won[1] = cf_handle_child_release(&table, 0, 1);
}

static void install_over(void)
{
    install(3, 33);
}

static void at_most_one_won(void)
{
    cf_explorer_assert(won[0] + won[1] <= 1, "both released one life");
    life_three_is_left();
}

/* lineClose against lineDeallocateCall and a look-up. */
static void close_line(void)
{
    won[0] = cf_handle_table_release(&parents, 0, 1);
    cf_explorer_assert(won[0] == 1, "the line was not closed");
    cf_explorer_assert(cf_handle_child_look_up(&table, 0, 1) == NULL, "a call is found after its line was closed");
    cf_store_release_32(&returned[0], 1);
}

static void use_call(void)
{
    bool closed = cf_load_acquire_32(&returned[0]) != 0;
    uint64_t state;
    struct cf_handle_child *child = cf_handle_child_read(&table, 0, 1, &state, NULL);
    cf_explorer_assert(child == NULL || (state == 11 && !closed), "a call is found after its line was closed");
    closed = cf_load_acquire_32(&returned[0]) != 0;
    won[1] = cf_handle_child_release(&table, 0, 1);
    cf_explorer_assert(!closed || won[1] == 0, "a call was released after its line was closed");
}

/* A message that was under way when the line was closed brings a handle. */
static void install_late(void)
{
    struct cf_handle_child *child;
    bool closed = cf_load_acquire_32(&returned[0]) != 0;
    enum cf_handle_install done = cf_handle_table_install(&table, 1, 1, line, 21, &child);
    cf_explorer_assert(!closed || done == CF_INSTALL_VOID, "a call was installed into a closed line");
}

static void all_void(void)
{
    cf_explorer_assert(cf_handle_child_look_up(&table, 0, 1) == NULL && cf_handle_child_look_up(&table, 1, 1) == NULL,
                       "a call of a closed line is found at the end");
    checked();
}

/* ------------------------------------------------------------------ sweep */

static void with_children(void)
{
    uint32_t index;
    installed();
    cf_handle_table_view(&table, &memory.head, memory.slots, STRIDE, NULL);
    cf_handle_table_set_parents(&table, &parents);
    for (uint32_t i = 0; i < 2; i++) {
        cf_handle_table_allocate(&table, &index);
        cf_handle_child_write(cf_handle_table_slot(&table, index), line, 0);
    }
    cf_handle_table_release(&parents, 0, 1);
}

static void sweep(void)
{
    uint32_t cursor = 0;
    won[0] = cf_handle_table_sweep(&table, &cursor, LIMIT);
}

static void release_child(void)
{
    won[1] = cf_handle_table_release(&table, 1, 1);
}

static void swept_once(void)
{
    cf_explorer_assert(won[0] + won[1] == 2, "%u slots ended, there were 2", won[0] + won[1]);
    checked();
}

static const struct cf_explored cases[] = {
    {"two_release_one_handle", 5, one_slot, {release_first, release_second}, one_won},
    {"two_release_and_the_owner_reuses", 3, one_slot, {release_first, release_second, use_again}, one_won},
    {"two_slots_come_back_while_allocating", 3, two_slots, {release_zero, release_one, allocate_some}, none_lost},
    {"a_fresh_slot_is_handed_on", 5, fresh, {hand_on, look_up_fresh}, checked},
    {"lives_of_one_slot_are_told_apart", 4, installed, {install_two_lives, read_two_lives}, life_three_is_left},
    {"an_install_meets_a_release",
     2,
     installed,
     {install_two_lives, read_two_lives, release_first_life},
     life_three_is_left},
    {"two_releases_meet_an_install",
     3,
     installed_once,
     {release_installed_first, release_installed_second, install_over},
     at_most_one_won},
    {"a_close_voids_its_calls", 3, installed_once, {close_line, use_call, install_late}, all_void},
    {"a_sweep_meets_a_release", 5, with_children, {sweep, release_child}, swept_once},
};

int main(int argc, char **argv)
{
    return cf_explorer_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
