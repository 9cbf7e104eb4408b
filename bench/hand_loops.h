/* The loops of hand.c for one vector width. Included once a width, with
 *   SUFFIX(name)  the name of a function     TARGET  its instruction set
 *   VEC           the vector type            LANES   floats in it
 *   V(op)         the intrinsic `op` of that width
 *   CHAINS        independent multiply-adds in flight */

TARGET static void SUFFIX(add)(bench_hand *h, int64_t from, int64_t until) {
    const float *a = h->a, *b = h->b;
    float *c = h->c;
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += LANES) {
            V(storeu_ps)(c + u, V(add_ps)(V(loadu_ps)(a + u), V(loadu_ps)(b + u)));
        }
    }
}

TARGET static void SUFFIX(add_streaming)(bench_hand *h, int64_t from, int64_t until) {
    const float *a = h->a, *b = h->b;
    float *c = h->c;
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += LANES) {
            V(stream_ps)(c + u, V(add_ps)(V(loadu_ps)(a + u), V(loadu_ps)(b + u)));
        }
    }
    _mm_sfence();
}

TARGET static void SUFFIX(copy)(bench_hand *h, int64_t from, int64_t until) {
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += LANES) {
            V(storeu_ps)(h->c + u, V(loadu_ps)(h->a + u));
        }
    }
}

TARGET static void SUFFIX(copy_streaming)(bench_hand *h, int64_t from, int64_t until) {
    for (int64_t i = from; i < until; i += 64) {
        for (int64_t u = i; u < i + 64; u += LANES) {
            V(stream_ps)(h->c + u, V(loadu_ps)(h->a + u));
        }
    }
    _mm_sfence();
}

/* Four sums, enough to hide the latency of the addition behind the loads. */
TARGET static void SUFFIX(read)(bench_hand *h, int64_t from, int64_t until) {
    VEC s[4];
    for (int u = 0; u < 4; u++) {
        s[u] = V(setzero_ps)();
    }
    for (int64_t i = from; i < until; i += 64) {
        for (int v = 0; v < 64 / LANES; v += 4) {
#pragma GCC unroll 4
            for (int u = 0; u < 4; u++) {
                s[u] = V(add_ps)(s[u], V(loadu_ps)(h->a + i + LANES * (v + u)));
            }
        }
    }
    float all[LANES];
    V(storeu_ps)(all, V(add_ps)(V(add_ps)(s[0], s[1]), V(add_ps)(s[2], s[3])));
    h->sink[0] = all[0];
}

TARGET static void SUFFIX(fma)(bench_hand *h, int64_t from, int64_t until) {
    (void)until;
    VEC s[CHAINS], x = V(set1_ps)(0.999f), y = V(set1_ps)((float)(from & 7));
    for (int u = 0; u < CHAINS; u++) {
        s[u] = V(set1_ps)((float)u);
    }
    for (int r = 0; r < FMA_ROUNDS; r++) {
#pragma GCC unroll 12
        for (int u = 0; u < CHAINS; u++) {
            s[u] = V(fmadd_ps)(s[u], x, y);
        }
    }
    VEC sum = s[0];
    for (int u = 1; u < CHAINS; u++) {
        sum = V(add_ps)(sum, s[u]);
    }
    float all[LANES];
    V(storeu_ps)(all, sum);
    h->sink[0] = all[0];
}

#undef SUFFIX
#undef TARGET
#undef VEC
#undef LANES
#undef V
#undef CHAINS
