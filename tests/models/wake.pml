/*
 * Sleep and wake, with store buffers as on x86: a process that sleeps although there is something for it is a state without end.
 *
 * Models     -DDOWN   an application sleeps on its bell: core/turn.c publish_port(), wake_sleepers(), look_at_sleeper() (W0), with
 *                     rung_at and the wake interval; client/receive.c take(), settle(), arm() (W2), disarm(), drain_bell()
 *            -DUP     the core sleeps: core/turn.c cf_engine_sleep() (W1), cf_engine_awake(); client/request.c put(), ring_bell() (W0);
 *                     apps/callfand/engine_loop.c sleep_until_bell(), hear()
 *            -DREPLY  a thread sleeps on its reply slot: core/turn.c publish_answers(), wake_sleepers() (W0); client/request.c
 *                     sleep_for() (W1)
 * Memory     x86-TSO: a buffer each, first in first out, that drains at any time; a fence waits until it is empty. Bells and the
 *            futex queue are the kernel's and are not buffered; a system call is no fence here, although it is one on x86
 * Abstract   the ring is its tail; ppoll on the event handle is the bell; time of the wake interval passes at any moment
 *
 * prove: -DDOWN
 * prove: -DUP
 * prove: -DREPLY
 * mutant: -DDOWN -DNO_FENCE_CORE       the look at wake_at before the commit is visible
 * mutant: -DDOWN -DNO_FENCE_PEER       the last look at the ring before wake_at is visible
 * mutant: -DDOWN -DNO_SECOND_LOOK      sleeps without looking again
 * mutant: -DDOWN -DDRAIN_AFTER_LOOK    the bell that rang for this sleep is drained before it
 * mutant: -DDOWN -DRING_BEFORE_COMMIT  the bell is heard, nothing is there, and rung_at says that this sleep had its bell
 * mutant: -DDOWN -DINTERVAL_FORGETS    a bell that falls into the interval is dropped
 * mutant: -DUP -DNO_FENCE_CORE         the last look at the rings before `sleeping` is visible
 * mutant: -DUP -DNO_FENCE_PEER         the look at `sleeping` before the commit is visible
 * mutant: -DUP -DNO_SECOND_LOOK        sleeps without looking again
 * mutant: -DUP -DDRAIN_AFTER_LOOK      the bell that rang for this sleep is drained before it
 * mutant: -DREPLY -DNO_FENCE_CORE      the look at reply_waiting before `done` is visible
 * mutant: -DREPLY -DBIT_AFTER_LOOK     reply_waiting is set after the last look
 * mutant: -DREPLY -DNO_COMPARE         the kernel does not compare the word before it puts the thread to sleep
 * mutant: -DREPLY -DWAKE_FIRST         the waiter is woken before `done` is stored
 */
#define MESSAGES 3

#ifdef NO_FENCE_CORE
#define CORE_FENCE skip
#else
#define CORE_FENCE empty(core_buffer)
#endif
#ifdef NO_FENCE_PEER
#define PEER_FENCE skip
#else
#define PEER_FENCE empty(peer_buffer)
#endif

#ifdef DRAIN_AFTER_LOOK
#define DRAIN bell = 0
#else
#define DRAIN skip
#endif

chan core_buffer = [3] of { byte, byte }; /* word, value */
chan peer_buffer = [3] of { byte, byte };
byte word[4];
#define TAIL 0     /* published by the core */
#define WAKE_AT 1  /* the application's */
#define SLEEPING 2 /* the core's */
#define DONE 3     /* of the reply slot */

active proctype core_drains() {
    byte w, v;
end_core:
    do
    :: atomic { core_buffer ? w, v -> word[w] = v }
    od
}

active proctype peer_drains() {
    byte w, v;
end_peer:
    do
    :: atomic { peer_buffer ? w, v -> word[w] = v }
    od
}

bit bell;

#ifdef DOWN
byte rung_at, tail;
bit bell_due;

/* look_at_sleeper() */
inline look(may_wait) {
    bell_due = 0;
    at = word[WAKE_AT]; /* W0 */
    if
    :: at != 0 && at != rung_at && at <= tail ->
        if
        :: may_wait ->
#ifndef INTERVAL_FORGETS
            bell_due = 1
#else
            skip
#endif
        :: rung_at = at; bell = 1
        fi
    :: else
    fi;
    at = 0
}

active proctype core() {
    byte at;
    do
    :: tail < MESSAGES ->
        tail++;
#ifdef RING_BEFORE_COMMIT
        look(true);
        core_buffer ! TAIL, tail
#else
        core_buffer ! TAIL, tail;
        CORE_FENCE; /* W0: what was published before the look */
        look(true)
#endif
    :: bell_due -> CORE_FENCE; look(false) /* a turn at the deadline */
    :: tail == MESSAGES && !bell_due -> break
    od
}

active proctype application() {
    byte head;
    do
    :: head < word[TAIL] -> head++ /* take() */
    :: head == MESSAGES -> break
    :: head < MESSAGES && head >= word[TAIL] -> /* settle() */
        bell = 0;
        peer_buffer ! WAKE_AT, head + 1;
        PEER_FENCE; /* W2: wake_at before the ring */
#ifdef NO_SECOND_LOOK
        bell == 1
#else
        if
        :: word[TAIL] > head -> peer_buffer ! WAKE_AT, 0
        :: else -> DRAIN; bell == 1 /* sleeps; awake, wake_at stands until something is taken */
        fi
#endif
    od
}
#endif

#ifdef UP
active proctype application() {
    byte sent;
    do
    :: sent < MESSAGES ->
        sent++;
        peer_buffer ! TAIL, sent;
        PEER_FENCE; /* W0: our commit before the core's word */
        if
        :: word[SLEEPING] -> bell = 1
        :: else
        fi
    :: else -> break
    od
}

active proctype core() {
    byte taken;
    do
    :: taken < word[TAIL] -> taken++
    :: taken == MESSAGES -> break
    :: taken < MESSAGES && taken >= word[TAIL] ->
        core_buffer ! SLEEPING, 1;
        CORE_FENCE; /* W1: the sleeping words before the last look */
#ifdef NO_SECOND_LOOK
        bell == 1;
#else
        if
        :: word[TAIL] > taken
        :: else -> DRAIN; bell == 1
        fi;
#endif
        if
        :: bell == 1 -> bell = 0 /* hear() */
        :: bell == 0
        fi;
        core_buffer ! SLEEPING, 0
    od
}
#endif

#ifdef REPLY
bit waiting;   /* the bit of reply_waiting: set and cleared by read-modify-write */
bit in_queue;  /* the kernel's: a thread sleeps on the word */
byte asked;    /* requests in the ring */

active proctype core() {
    byte answered;
    do
    :: answered == 2 -> break
    :: answered < asked ->
        answered++;
#ifdef WAKE_FIRST
        if
        :: waiting -> in_queue = 0
        :: else
        fi;
        core_buffer ! DONE, answered
#else
        core_buffer ! DONE, answered; /* S0 */
        CORE_FENCE;                   /* W0 */
        if
        :: waiting -> in_queue = 0 /* FUTEX_WAKE */
        :: else
        fi
#endif
    od
}

active proctype thread() {
    byte seen, n;
    for (n : 1 .. 2) {
        asked = n;
#ifndef BIT_AFTER_LOOK
        atomic { empty(peer_buffer) -> waiting = 1 } /* W1: a read-modify-write, and a fence */
#endif
        do
        :: seen = word[DONE]; /* D0 */
            if
            :: seen == n -> break
            :: else
            fi;
#ifdef BIT_AFTER_LOOK
            waiting = 1;
            in_queue = 1;
#else
#ifdef NO_COMPARE
            in_queue = 1;
#else
            atomic { /* FUTEX_WAIT looks again in the kernel */
                if
                :: word[DONE] == seen -> in_queue = 1
                :: else
                fi
            }
#endif
#endif
            in_queue == 0
        od;
        waiting = 0
    }
}
#endif
