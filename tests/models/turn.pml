/*
 * A turn, its commit, and the recovery: a core that dies between any two stores, also in the recovery, loses no record, takes none
 * twice, and says nothing that does not come true.
 *
 * Models     core/turn.c begin(), take_one(), cf_engine_turn(), publish_port(), publish_answers(), set_aside(), cf_engine_recover();
 *            shm/journal.h cf_journal_keep() (J0), cf_journal_undo(). Records of two kinds: one whose work is a message, answered in
 *            the same turn. -DPOISON: the second record kills every core that works on it
 * Memory     one store after the other: a new core sees what the dead one's processor had in its buffer, which drains
 * Abstract   journaled lines are one word each: the input cursor, a sum of all work, the output's tail. The filter that spares lines
 *            already kept may miss any time. With -DPOISON nobody kills a core that has another record in hand: after two deaths by the
 *            poison that record would be stepped over, since deaths are counted by turn and not by record. A turn takes two records, one after two crashes
 *
 * prove:  (long) two deaths
 * prove: -DONE_DEATH
 * prove: -DPOISON
 * mutant: -DCHANGE_FIRST        a line is changed before its old content is kept
 * mutant: -DCOUNT_FIRST         the journal's count covers an entry that is not there yet
 * mutant: -DUNDO_FORWARD        the oldest entry is copied back first
 * mutant: -DTURN_LATE           the turn's number is raised after its first change
 * mutant: -DEMPTY_LATE          the journal is emptied after the turn's number was raised
 * mutant: -DPUBLISH_FIRST       commit words before the commit
 * mutant: -DNO_REPUBLISH        a new core does not publish what was committed
 * mutant: -DUNDONE_FIRST        the recovery says that the turn is undone before it is
 * mutant: -DANSWERS_KEPT        answers of an undone turn are given all the same
 * mutant: -DPOISON -DHAND_STALE   a core that died before it took a record blames the record in hand of the turn before
 * mutant: -DPOISON -DNEVER_ASIDE    the record in hand is never stepped over
 */
#define RECORDS 4
#ifdef POISON
#define POISONED 1
#define CRASHES 1
#define AIM 3
#else
#define POISONED 99
#ifdef ONE_DEATH
#define CRASHES 1
#else
#define CRASHES 2
#endif
#define AIM 3
#endif
#ifdef POISON
#define MAY_KILL (hand == 0 || hand == POISONED + 1)
#else
#define MAY_KILL true
#endif
#define ENTRIES 12

/* Journaled. */
#define HEAD 0
#define SUM 1
#define TAIL 2
byte state[3];
/* Not journaled. */
byte turn, committed, attempts, hand, count, answers;
byte lines[ENTRIES], old[ENTRIES];
byte answer_of;      /* the record that is answered, + 1 */
/* The peers' view. */
byte slot[RECORDS + 1], commit[RECORDS + 1], published, acknowledged;
byte answered[RECORDS]; /* times that done said so */
bit told[RECORDS];      /* what the reader saw, in order */

byte crashes;
byte aside = 99;
bool crash, finished;

#define BIT(r) (1 << (r))

/* The core's own, gone with it. */
byte kept; /* bit per line: kept in this turn, as far as the filter knows */

inline keep(line) {
    if
    :: (kept & BIT(line)) != 0 -> skip /* the filter */
    :: true ->
#ifdef COUNT_FIRST
        count = count + 1;
        lines[count - 1] = line;
        old[count - 1] = state[line]
#else
        lines[count] = line;
        old[count] = state[line];
        count = count + 1 /* J0 */
#endif
    fi;
    kept = kept | BIT(line)
}

inline change(line, value) {
#ifdef CHANGE_FIRST
    was = state[line];
    state[line] = value;
    if
    :: (kept & BIT(line)) != 0 -> skip
    :: else -> lines[count] = line; old[count] = was; count = count + 1
    fi;
    kept = kept | BIT(line);
    was = 0
#else
    keep(line);
    state[line] = value
#endif
}

inline begin() {
    kept = 0;
#ifndef HAND_STALE
    hand = 0;
#endif
#ifdef TURN_LATE
    count = 0
#else
#ifdef EMPTY_LATE
    turn = committed + 1;
    count = 0;
#else
    count = 0;
    turn = committed + 1; /* from here on a new core undoes */
#endif
#endif
    answers = 0
}

inline publish() {
    i = published;
    do
    :: i < state[TAIL] -> commit[i] = i + 1; i++
    :: else -> break
    od;
    i = 0;
    published = state[TAIL];
    acknowledged = (state[HEAD] > acknowledged -> state[HEAD] : acknowledged); /* what the peer believes */
    if
    :: answers != 0 -> d_step { answered[answer_of - 1] = 1; assert(state[HEAD] >= answer_of) }
    :: else
    fi
}

/* A record that is worked on: its message goes into the ring, unreadable, and every second one is answered. */
inline work() {
    r = state[HEAD];
    assert(r >= acknowledged); /* what is below may be written over */
    hand = r + 1;
    if
    :: r == POISONED -> crash = true; false
    :: else
    fi;
    change(SUM, state[SUM] + r + 1);
    slot[state[TAIL]] = r + 1;
    change(TAIL, state[TAIL] + 1);
    if
    :: r % 2 == 1 -> answer_of = r + 1; answers = 1
    :: else
    fi;
    hand = 0;
    change(HEAD, r + 1);
#ifdef TURN_LATE
    turn = committed + 1;
#endif
    r = 0
}

inline one_turn() {
    begin();
    n = (attempts >= 2 -> 1 : 2);
    do
    :: n > 0 && state[HEAD] < AIM + 1 && answers == 0 -> work(); n--
    :: else -> break
    od;
    n = 0;
#ifdef TURN_LATE
    turn = committed + 1;
#endif
#ifdef PUBLISH_FIRST
    publish();
#endif
    attempts = 0;
    committed = turn; /* the commit point */
    publish()
}

inline set_aside() {
    r = state[HEAD];
    begin();
    change(HEAD, r + 1);
    aside = r;
    assert(r == POISONED);
    hand = 0;
    attempts = 0;
    committed = turn;
    publish();
    r = 0
}

inline recover() {
    if
    :: turn != committed ->
#ifdef UNDONE_FIRST
        turn = committed;
#endif
#ifdef UNDO_FORWARD
        i = 0;
        do
        :: i < count -> state[lines[i]] = old[i]; i++
        :: else -> break
        od;
#else
        i = count;
        do
        :: i > 0 -> i--; state[lines[i]] = old[i] /* J0 */
        :: else -> break
        od;
#endif
        i = 0;
#ifndef ANSWERS_KEPT
        answers = 0;
#endif
        turn = committed;
        attempts++;
        assert(attempts <= 5)
    :: else
    fi;
#ifndef NO_REPUBLISH
    publish();
#endif
#ifndef NEVER_ASIDE
    if
    :: attempts >= 3 && hand != 0 -> set_aside()
    :: else
    fi
#else
    skip
#endif
}

active proctype core() {
    byte i, r, n, was;
    do
    :: finished -> break
    :: else ->
        {
            recover();
            do
            :: state[HEAD] > AIM -> break
            :: else -> one_turn()
            od;
            finished = true
        } unless {
            atomic { crash -> crash = false; i = 0; r = 0; n = 0; was = 0; kept = 0 }
        }
    od;
    assert(state[HEAD] == RECORDS);
    assert(POISONED == 99 || aside == POISONED);
    assert(state[SUM] == (POISONED == 99 -> 10 : 8));
    assert(published == state[TAIL] && state[TAIL] == (POISONED == 99 -> 4 : 3));
    assert(answered[3] == 1 && (POISONED == 1 || answered[1] == 1))
}

/* Between any two stores. A core that cannot get past the poison is not killed besides for ever. */
active proctype killer() {
    do
    :: atomic { crashes < CRASHES && !crash && !finished && MAY_KILL -> crash = true; crashes++ }
    :: crashes == CRASHES || finished -> break
    od
}

/* Reads what is readable: records in order, each once, and never one that is taken back. */
active proctype reader() {
    byte head, last;
    do
    :: commit[head] == head + 1 ->
        assert(slot[head] == last + 1 || (last + 1 == POISONED + 1 && slot[head] == last + 2));
        last = slot[head];
        assert(committed != 0);
        head++
    :: finished && commit[head] != head + 1 -> break
    od;
    assert(head == published)
}
