/* Loops written by hand with AVX-512 or AVX2: what a careful C programmer gets, and the peaks of the machine.
 *
 * Threads are started per sample and meet at a spinning barrier between calls, so their start does not count and a
 * call costs as little as it can. Each thread has one contiguous part. */
#define _GNU_SOURCE /* pthread_setaffinity_np */
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "bench/peers.h"

typedef void (*part_fn)(bench_hand *h, int64_t from, int64_t until);

enum { MAX_THREADS = 256, FMA_ROUNDS = 4096 };

/* ---- the loops ---------------------------------------------------------------------------------------------- */

#define SUFFIX(name) name##_avx512
#define TARGET       __attribute__((target("avx512f"), noinline))
#define VEC          __m512
#define LANES        16
#define V(op)        _mm512_##op
#define CHAINS       12
#include "bench/hand_loops.h"

#define SUFFIX(name) name##_avx2
#define TARGET       __attribute__((target("avx2,fma"), noinline))
#define VEC          __m256
#define LANES        8
#define V(op)        _mm256_##op
#define CHAINS       12
#include "bench/hand_loops.h"

static void memcpy_part(bench_hand *h, int64_t from, int64_t until) {
    memcpy(h->c + from, h->a + from, (size_t)(until - from) * sizeof *h->c);
}

static bool kept_to_avx2;

void bench_hand_keep_to_avx2(void) {
    kept_to_avx2 = true;
}

/* The widest instructions that this processor has and that are wanted; null parts: neither set. */
typedef struct loops {
    part_fn add, add_streaming, copy, copy_streaming, read, fma;
    int lanes;
} loops;

static const loops *widest(void) {
    static const loops avx512 = {
        add_avx512,  add_streaming_avx512, copy_avx512, copy_streaming_avx512,
        read_avx512, fma_avx512,           16};
    static const loops avx2 = {add_avx2,  add_streaming_avx2, copy_avx2, copy_streaming_avx2,
                               read_avx2, fma_avx2,           8};
    static const loops none = {0};
    if (!kept_to_avx2 && __builtin_cpu_supports("avx512f")) {
        return &avx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2 : &none;
}

double bench_hand_fma_flops(void) {
    return 1e-9 * (double)(FMA_ROUNDS * 12 * widest()->lanes * 2);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

typedef struct team {
    bench_hand *hand;
    part_fn part;
    int64_t calls;
    cpu_set_t processors; /* of the caller */
    atomic_long arrived;
} team;
typedef struct member {
    team *team;
    int index;
} member;

static void meet(team *t, int64_t round) {
    long all = (long)(t->hand->threads * (round + 1));
    atomic_fetch_add(&t->arrived, 1);
    for (int spins = 0; atomic_load_explicit(&t->arrived, memory_order_acquire) < all;
         spins++) {
        if (spins > 2000) {
            sched_yield(); /* the processor is shared */
        } else {
            _mm_pause();
        }
    }
}

/* The place-th of the set's processors. */
static cpu_set_t nth_processor(const cpu_set_t *set, int place) {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, set) && place-- == 0) {
            CPU_SET(cpu, &one);
        }
    }
    return one;
}

/* Members are made for each sample, and a thread that has just begun may stay on its maker's processor for longer than a
 * sample: what they measure would be half a machine. Each has a processor of its own, if there are enough. */
static void settle(const member *m) {
    const cpu_set_t *set = &m->team->processors;
    if (m->team->hand->threads <= CPU_COUNT(set)) {
        cpu_set_t one = nth_processor(set, m->index);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    }
}

static void *work(void *user) {
    member *m = user;
    settle(m);
    bench_hand *h = m->team->hand;
    int64_t blocks = h->n / 64, each = (blocks + h->threads - 1) / h->threads;
    int64_t from = m->index * each, until = from + each < blocks ? from + each : blocks;
    for (int64_t i = 0; i < m->team->calls; i++) {
        meet(m->team, 2 * i);
        if (from < until) {
            m->team->part(h, from * 64, until * 64);
        }
        meet(m->team, 2 * i + 1);
    }
    return NULL;
}

/* n is a multiple of 64: the tail would only blur what is measured. */
static double run_team(bench_hand *h, part_fn part, int64_t calls) {
    if (!part) {
        return -1;
    }
    team t = {.hand = h, .part = part, .calls = calls};
    pthread_getaffinity_np(pthread_self(), sizeof t.processors, &t.processors);
    member members[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    for (int i = 0; i < h->threads; i++) {
        members[i] = (member){&t, i};
        if (i && pthread_create(&threads[i], NULL, work, &members[i])) {
            bench_fail("cannot start a thread");
        }
    }
    while (atomic_load(&t.arrived) < h->threads - 1) {
        sched_yield();
    }
    double start = bench_now();
    work(&members[0]);
    double seconds = bench_now() - start;
    pthread_setaffinity_np(pthread_self(), sizeof t.processors, &t.processors);
    for (int i = 1; i < h->threads; i++) {
        pthread_join(threads[i], NULL);
    }
    return seconds;
}

double bench_hand_add(void *h, int64_t calls) {
    return run_team(h, widest()->add, calls);
}
double bench_hand_add_streaming(void *h, int64_t calls) {
    return run_team(h, widest()->add_streaming, calls);
}
double bench_hand_copy(void *h, int64_t calls) {
    return run_team(h, widest()->copy, calls);
}
double bench_hand_copy_streaming(void *h, int64_t calls) {
    return run_team(h, widest()->copy_streaming, calls);
}
double bench_hand_memcpy(void *h, int64_t calls) {
    return run_team(h, memcpy_part, calls);
}
double bench_hand_read(void *h, int64_t calls) {
    return run_team(h, widest()->read, calls);
}
double bench_hand_fma(void *h, int64_t calls) {
    return run_team(h, widest()->fma, calls);
}

/* ---- limits ------------------------------------------------------------------------------------------------- */

static void add_roof(bench_plan *p, const char *name, bench_role role, bench_run_fn run,
                     const bench_hand *h, double work) {
    bench_plan_add(p, name, role, run, h, sizeof *h)->roof_work = work;
}

void bench_add_fma_roof(bench_plan *p) {
    bench_hand h = {.threads = p->b->threads, .n = 64 * p->b->threads};
    add_roof(p, "FMA", BENCH_ROOF_COMPUTE, bench_hand_fma, &h,
             bench_hand_fma_flops() * p->b->threads);
}

void bench_add_read_roof(bench_plan *p, const float *a, int64_t n) {
    bench_hand h = {.threads = p->b->threads, .n = n / 64 * 64, .a = a};
    add_roof(p, "read", BENCH_ROOF_MEMORY, bench_hand_read, &h, 4e-9 * (double)h.n);
}

void bench_add_copy_roof(bench_plan *p, const float *a, float *c, int64_t n) {
    bench_hand h = {.threads = p->b->threads, .n = n / 64 * 64, .a = a, .c = c};
    double bytes = 8e-9 * (double)h.n;
    add_roof(p, "copy", BENCH_ROOF_MEMORY, bench_hand_copy, &h, bytes);
    add_roof(p, "copy streaming", BENCH_ROOF_MEMORY, bench_hand_copy_streaming, &h, bytes);
    add_roof(p, "memcpy", BENCH_ROOF_MEMORY, bench_hand_memcpy, &h, bytes);
}
