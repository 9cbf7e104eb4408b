/* Interleaved measurement of the contenders of one case. */
#include <math.h>
#include <string.h>

#include "bench/harness.h"

typedef struct series {
    long calls;
    bool absent;
    double seconds[BENCH_MAX_ROUNDS]; /* per call */
} series;

/* ---- results ------------------------------------------------------------------------------------------------ */

static double element(const void *data, tg_dtype type, int64_t i) {
    switch ((int)type) { /* the few types that results have */
    case TG_F32:
        return (double)((const float *)data)[i];
    case TG_I32:
        return ((const int32_t *)data)[i];
    default: {
        uint32_t bits = (uint32_t)((const uint16_t *)data)[i] << 16; /* bf16 */
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    }
}

/* A peer that computes something else is no peer. Peers write nothing that we wrote. */
static void check_peer(const bench_plan *p, const bench_contender *c) {
    if (!c->result || !p->out) {
        return;
    }
    if (c->fetch) {
        c->fetch(c->user);
    }
    double worst = 0;
    for (int64_t i = 0; i < tg_tensor_n_elements(p->out); i++) {
        double theirs = element(c->result, tg_tensor_dtype(p->out), i);
        double d = fabs(element(tg_tensor_data(p->out), tg_tensor_dtype(p->out), i) - theirs);
        worst = d > worst || isnan(d) ? d : worst;
    }
    bench_check(c->name, worst, p->tolerance);
}

/* ---- samples ------------------------------------------------------------------------------------------------ */

/* Thread pools spin for a while after their last task (OpenBLAS for tens of milliseconds); the next contender must
 * not share the processors with them. */
static void let_others_sleep(const bench *b) {
    if (b->threads > 1) {
        bench_pause(0.04);
    }
}

/* Calls per sample: some 20 ms, so that the clock and the first wake-up do not count. */
static void calibrate(const bench_plan *p, const bench_contender *c, series *s) {
    double goal = p->b->quick ? 0.002 : 0.02;
    let_others_sleep(p->b);
    double t = c->run(c->user, 1);
    s->absent = t < 0;
    s->calls = 1;
    if (s->absent) {
        return;
    }
    check_peer(p, c);
    if (t < 10 * goal) {
        t = c->run(c->user, 1);
    }
    while (t < goal && s->calls < 10000000) {
        s->calls = bench_next_calls(s->calls, t, goal);
        t = c->run(c->user, s->calls);
    }
    s->seconds[0] = t / (double)s->calls;
}

/* A short sample is preceded by an untimed call that wakes the pool and brings back what caches held. */
static double sample(const bench *b, const bench_contender *c, const series *s) {
    let_others_sleep(b);
    if (s->seconds[0] < 0.05) {
        c->run(c->user, 1);
    }
    return c->run(c->user, s->calls) / (double)s->calls;
}

static int choose_rounds(const bench *b, const series *s, int n) {
    double round = 0;
    for (int i = 0; i < n; i++) {
        round += s[i].absent ? 0 : s[i].seconds[0] * (double)s[i].calls * 1.1;
    }
    return b->quick ? 3 : bench_rounds(b->seconds, round, 5);
}

/* ---- the row ------------------------------------------------------------------------------------------------ */

/* Our speed as a part of that of the fastest limit of one kind; negative: there is none. */
static double roof_fraction(const bench_plan *p, const series *s, int rounds, bench_role kind) {
    double work = kind == BENCH_ROOF_COMPUTE ? p->flops : p->bytes, least = -1;
    for (int i = 1; i < p->n_contenders; i++) {
        const bench_contender *c = &p->contenders[i];
        if (c->role == kind && !s[i].absent) {
            double f =
                bench_paired_ratio(s[0].seconds, s[i].seconds, rounds) * work / c->roof_work;
            least = least < 0 || f < least ? f : least;
        }
    }
    return least;
}

static void note_peer(bench_row *row, const char *name, double speed) {
    size_t at = strlen(row->peers);
    snprintf(row->peers + at, sizeof row->peers - at, "%s\"%s\": %.6g", at ? ", " : "", name,
             speed);
}

/* In the row's unit. Times are of one call. */
static double in_unit(const bench_plan *p, double seconds) {
    return strcmp(p->row.unit, "us") == 0 ? 1e6 * seconds : p->work / seconds;
}

static void summarize(bench_plan *p, const series *s, int rounds) {
    bench_row *row = &p->row;
    double closest = INFINITY; /* the best peer's time as a multiple of ours */
    row->ours = in_unit(p, bench_median_of(s[0].seconds, rounds));
    row->ours_best = in_unit(p, bench_smallest(s[0].seconds, rounds));
    row->best_peer = row->best_peer_best = row->ratio = row->roofline_fraction = -1;
    row->best_peer_name = "";
    for (int i = 1; i < p->n_contenders; i++) {
        const bench_contender *c = &p->contenders[i];
        if (s[i].absent || c->role != BENCH_PEER) {
            continue;
        }
        double time = bench_paired_ratio(s[0].seconds, s[i].seconds, rounds);
        double speed = in_unit(p, bench_median_of(s[i].seconds, rounds));
        note_peer(row, c->name, speed);
        if (time < closest) {
            row->ratio = closest = time;
            row->best_peer = speed;
            row->best_peer_best = in_unit(p, bench_smallest(s[i].seconds, rounds));
            row->best_peer_name = c->name;
        }
    }
    double compute = roof_fraction(p, s, rounds, BENCH_ROOF_COMPUTE);
    row->roofline_fraction = fmax(compute, roof_fraction(p, s, rounds, BENCH_ROOF_MEMORY));
}

void bench_race(bench_plan *p) {
    series s[BENCH_MAX_CONTENDERS];
    for (int i = 0; i < p->n_contenders; i++) {
        calibrate(p, &p->contenders[i], &s[i]);
    }
    int rounds = choose_rounds(p->b, s, p->n_contenders);
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < p->n_contenders; i++) {
            if (!s[i].absent) {
                s[i].seconds[r] = sample(p->b, &p->contenders[i], &s[i]);
            }
        }
    }
    summarize(p, s, rounds);
}
