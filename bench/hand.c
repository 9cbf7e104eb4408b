/* Loops written by hand with AVX-512: what a careful C programmer gets, and the peaks of the machine.
 *
 * Threads are started per sample and meet at a spinning barrier between calls, so their start does not count and a
 * call costs as little as it can. Each thread has one contiguous part. */
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "bench/peers.h"

#define AVX512 __attribute__((target("avx512f"), noinline))

typedef void (*part_fn)(bench_hand *h, int64_t from, int64_t until);

enum { MAX_THREADS = 256, FMA_ROUNDS = 4096, FMA_CHAINS = 12 };
const double bench_hand_fma_flops = 1e-9 * (double)(FMA_ROUNDS * FMA_CHAINS * 16 * 2);

bool bench_hand_available(void) {
    return __builtin_cpu_supports("avx512f");
}

/* ---- the loops ---------------------------------------------------------------------------------------------- */

AVX512 static void add_part(bench_hand *h, int64_t from, int64_t until) {
    const float *a = h->a, *b = h->b;
    float *c = h->c;
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += 16) {
            _mm512_storeu_ps(c + u,
                             _mm512_add_ps(_mm512_loadu_ps(a + u), _mm512_loadu_ps(b + u)));
        }
    }
}

AVX512 static void add_streaming_part(bench_hand *h, int64_t from, int64_t until) {
    const float *a = h->a, *b = h->b;
    float *c = h->c;
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += 16) {
            _mm512_stream_ps(c + u,
                             _mm512_add_ps(_mm512_loadu_ps(a + u), _mm512_loadu_ps(b + u)));
        }
    }
    _mm_sfence();
}

AVX512 static void copy_part(bench_hand *h, int64_t from, int64_t until) {
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += 16) {
            _mm512_storeu_ps(h->c + u, _mm512_loadu_ps(h->a + u));
        }
    }
}

AVX512 static void copy_streaming_part(bench_hand *h, int64_t from, int64_t until) {
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += 16) {
            _mm512_stream_ps(h->c + u, _mm512_loadu_ps(h->a + u));
        }
    }
    _mm_sfence();
}

static void memcpy_part(bench_hand *h, int64_t from, int64_t until) {
    memcpy(h->c + from, h->a + from, (size_t)(until - from) * sizeof *h->c);
}

AVX512 static void read_part(bench_hand *h, int64_t from, int64_t until) {
    __m512 s[4];
    for (int u = 0; u < 4; u++) {
        s[u] = _mm512_setzero_ps();
    }
    for (int64_t i = from; i < until; i += 64) {
        for (int u = 0; u < 4; u++) {
            s[u] = _mm512_add_ps(s[u], _mm512_loadu_ps(h->a + i + 16 * u));
        }
    }
    h->sink = _mm512_reduce_add_ps(
        _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
}

AVX512 static void fma_part(bench_hand *h, int64_t from, int64_t until) {
    (void)until;
    __m512 s[FMA_CHAINS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps((float)(from & 7));
    for (int u = 0; u < FMA_CHAINS; u++) {
        s[u] = _mm512_set1_ps((float)u);
    }
    for (int r = 0; r < FMA_ROUNDS; r++) {
#pragma GCC unroll 12
        for (int u = 0; u < FMA_CHAINS; u++) {
            s[u] = _mm512_fmadd_ps(s[u], x, y);
        }
    }
    __m512 all = s[0];
    for (int u = 1; u < FMA_CHAINS; u++) {
        all = _mm512_add_ps(all, s[u]);
    }
    h->sink = _mm512_reduce_add_ps(all);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

typedef struct team {
    bench_hand *hand;
    part_fn part;
    int64_t calls;
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

static void *work(void *user) {
    member *m = user;
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
static double run(bench_hand *h, part_fn part, int64_t calls) {
    if (!bench_hand_available() && part != memcpy_part) {
        return -1;
    }
    team t = {.hand = h, .part = part, .calls = calls};
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
    for (int i = 1; i < h->threads; i++) {
        pthread_join(threads[i], NULL);
    }
    return seconds;
}

double bench_hand_add(void *h, int64_t calls) {
    return run(h, add_part, calls);
}
double bench_hand_add_streaming(void *h, int64_t calls) {
    return run(h, add_streaming_part, calls);
}
double bench_hand_copy(void *h, int64_t calls) {
    return run(h, copy_part, calls);
}
double bench_hand_copy_streaming(void *h, int64_t calls) {
    return run(h, copy_streaming_part, calls);
}
double bench_hand_memcpy(void *h, int64_t calls) {
    return run(h, memcpy_part, calls);
}
double bench_hand_read(void *h, int64_t calls) {
    return run(h, read_part, calls);
}
double bench_hand_fma(void *h, int64_t calls) {
    return run(h, fma_part, calls);
}
