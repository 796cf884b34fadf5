/*
 * The ring: commit and acknowledge.
 *
 * Models     shm/ring.h: cf_ring_put(), cf_ring_cost(), cf_ring_write_filler(), cf_ring_publish() (A0), cf_ring_free() (R1), cf_ring_acknowledge() (A1);
 *            shm/ring.c: copy_one() (R0). Records of one or two slots in any order over three laps of four slots
 * Memory     x86-TSO: what a process stores waits in a buffer, first in first out, that drains at any time
 * Abstract   a slot's 56 bytes are one value that names record and part; commit words and bodies are separate words; the ring has one
 *            reader, which reads a slot's body in one step
 *
 * prove:
 * mutant: -DCOMMIT_BEFORE_BODY     the commit words are stored before the bodies
 * mutant: -DFIRST_COMMIT_FIRST     of a long record the first slot's commit word comes first
 * mutant: -DACKNOWLEDGE_FIRST      the reader acknowledges before it has copied
 * mutant: -DONE_TOO_MANY           the producer believes in one free slot too many
 * mutant: -DNO_LAP                 a commit word does not tell laps apart
 * mutant: -DNO_FILLER              a record may lie across the end
 */
#define SLOTS 4
#define LAST 12 /* no record begins at or above */
#define FILLER 255

byte commit[SLOTS], body[SLOTS], ack;
byte size_of[LAST + 2]; /* of the record that begins at an index, as the producer chose; FILLER + 0: 3 */
bool done;
byte end;

chan p_buffer = [4] of { byte, byte, byte }; /* 0 body, 1 commit; slot; value */
chan c_buffer = [2] of { byte };

#ifdef NO_LAP
#define WORD(i) ((i) % SLOTS + 1)
#else
#define WORD(i) ((i) + 1)
#endif
#define PART(i, part) ((i) * 2 + (part) + 1)

active proctype producer_buffer() {
    byte what, slot, value;
end_p:
    do
    :: atomic {
        p_buffer ? what, slot, value ->
        if
        :: what == 0 -> body[slot] = value
        :: else -> commit[slot] = value
        fi }
    od
}

active proctype consumer_buffer() {
    byte value;
end_c:
    do
    :: atomic { c_buffer ? value -> ack = value }
    od
}

inline store_body(i, value) { p_buffer ! 0, (i) % SLOTS, value }
inline store_commit(i) { p_buffer ! 1, (i) % SLOTS, WORD(i) }

active proctype producer() {
    byte tail, n, cost, at, seen, i;
    do
    :: tail >= LAST -> break
    :: else ->
        if
        :: n = 1
        :: n = 2
        fi;
        cost = n;
#ifndef NO_FILLER
        if
        :: n > SLOTS - tail % SLOTS -> cost = n + SLOTS - tail % SLOTS
        :: else
        fi;
#endif
#ifdef ONE_TOO_MANY
        seen = ack; /* R1 */
        do
        :: SLOTS + 1 - (tail - seen) >= cost -> break
        :: else -> (ack != seen); seen = ack
        od;
#else
        seen = ack; /* R1 */
        do
        :: SLOTS - (tail - seen) >= cost -> break
        :: else -> (ack != seen); seen = ack
        od;
#endif
        at = tail + cost - n;
        size_of[at] = n;
#ifdef COMMIT_BEFORE_BODY
        i = tail + cost;
        do
        :: i > tail -> i--; store_commit(i)
        :: else -> break
        od;
#endif
        if
        :: cost != n -> store_body(tail, FILLER)
        :: else
        fi;
        store_body(at, PART(at, 0));
        if
        :: n == 2 -> store_body(at + 1, PART(at, 1))
        :: else
        fi;
#ifndef COMMIT_BEFORE_BODY
#ifdef FIRST_COMMIT_FIRST
        i = tail;
        do
        :: i < tail + cost -> store_commit(i); i++
        :: else -> break
        od;
#else
        i = tail + cost; /* A0: last slot first */
        do
        :: i > tail -> i--; store_commit(i)
        :: else -> break
        od;
#endif
#endif
        tail = tail + cost;
        n = 0; cost = 0; at = 0; seen = 0; i = 0
    od;
    end = tail;
    done = true
}

active proctype consumer() {
    byte head, b, n;
    do
    :: done && head == end -> break
    :: commit[head % SLOTS] == WORD(head) -> /* R0 */
        assert(!done || head < end);
        b = body[head % SLOTS];
        if
        :: b == FILLER -> n = SLOTS - head % SLOTS
        :: else ->
            assert(b == PART(head, 0));
            n = size_of[head];
            if
            :: n == 2 ->
#ifdef ACKNOWLEDGE_FIRST
                c_buffer ! head + n;
#endif
                assert(head % SLOTS != SLOTS - 1);             /* n > left is malformed */
                assert(commit[(head + 1) % SLOTS] == WORD(head + 1)); /* R0: else malformed */
                b = body[(head + 1) % SLOTS];
                assert(b == PART(head, 1))
            :: else
            fi
        fi;
        head = head + n;
        c_buffer ! head; /* A1 */
        b = 0; n = 0
    od
}
