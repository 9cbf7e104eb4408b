/* References of tests/corpus/k_searches.dsl. See kernels.h. Sums and comparisons are those of f32, as places depend on them. */
#include "tests/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

/* The first of the greatest of n values `step` apart, and -1 if there are none. */
static int64_t place_of_greatest(const double *x, int64_t n, int64_t step) {
    int64_t at = n > 0 ? 0 : -1;
    for (int64_t i = 1; i < n; i++) {
        at = x[i * step] > x[at * step] ? i : at;
    }
    return at;
}

/* The k greatest of n values, in order, and where they were; -inf and -1 where there are no more. Destroys x. */
static void take_greatest(double *x, int64_t n, int64_t k, double *value, int64_t *place) {
    bool *taken = calloc((size_t)n + 1, sizeof *taken);
    for (int64_t j = 0; j < k; j++) {
        int64_t at = -1;
        for (int64_t i = 0; i < n; i++) {
            at = !taken[i] && (at < 0 || x[i] > x[at]) ? i : at;
        }
        value[j] = at < 0 ? -INFINITY : x[at];
        place[j] = at;
        taken[at < 0 ? n : at] = true;
    }
    free(taken);
}

static void follow(kcase *c, int64_t b, const int64_t *back, int64_t at) {
    int64_t n = kd(c, "S"), t_end = kd(c, "T");
    for (int64_t t = t_end - 1; t >= 0; t--) {
        kt(c, "path")[b * t_end + t] = (double)at;
        at = t > 0 && at >= 0 ? back[t * n + at] : 0;
    }
}

void ref_viterbi(kcase *c) {
    int64_t n = kd(c, "S"), t_end = kd(c, "T");
    double *v = malloc((size_t)(2 * n + 1) * sizeof *v), *sum = v + n;
    int64_t *back = calloc((size_t)(t_end * n + 1), sizeof *back);
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        const double *emit = kt(c, "emit") + b * t_end * n;
        for (int64_t s = 0; s < n; s++) {
            v[s] = (float)(kt(c, "start")[s] + (t_end > 0 ? emit[s] : 0));
        }
        for (int64_t t = 1; t < t_end; t++) {
            double *next = calloc((size_t)n + 1, sizeof *next);
            for (int64_t s = 0; s < n; s++) {
                for (int64_t p = 0; p < n; p++) {
                    sum[p] = (float)(v[p] + kt(c, "trans")[p * n + s]);
                }
                int64_t at = place_of_greatest(sum, n, 1);
                back[t * n + s] = at;
                next[s] = (float)(sum[at] + emit[t * n + s]);
            }
            for (int64_t s = 0; s < n; s++) {
                v[s] = next[s];
            }
            free(next);
        }
        int64_t at = place_of_greatest(v, n, 1);
        kt(c, "score")[b] = at < 0 ? -INFINITY : v[at];
        follow(c, b, back, at);
    }
    free(back);
    free(v);
}

void ref_run_lengths(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t r = 0; r < kd(c, "R"); r++) {
        const double *x = kt(c, "X") + r * n;
        int64_t runs = 0;
        for (int64_t i = 0; i < n; i++) { /* nothing is stored behind the last run: fills */
            kt(c, "value")[r * n + i] = kt(c, "length")[r * n + i] = 0;
        }
        for (int64_t i = 0, end; i < n; i = end, runs++) {
            for (end = i + 1; end < n && x[end] == x[i]; end++) {
            }
            kt(c, "value")[r * n + runs] = x[i];
            kt(c, "length")[r * n + runs] = (double)(end - i);
        }
        kt(c, "n")[r] = (double)runs;
    }
}

void ref_route(kcase *c) {
    enum { GROUPS = 8, TAKE = 4, K = 8 };
    int64_t n = kd(c, "E"), size = n / GROUPS, place[K];
    double *x = malloc((size_t)(n + 1) * sizeof *x), best[K], top[GROUPS], *score = malloc((size_t)(n + 1) * sizeof *score);
    for (int64_t t = 0; t < kd(c, "T"); t++) {
        bool on[GROUPS] = {false};
        for (int64_t e = 0; e < n; e++) {
            score[e] = kt(c, "S")[t * n + e] * kt(c, "S")[t * n + e];
            x[e] = score[e] + kt(c, "bias")[e];
        }
        for (int64_t g = 0; g < GROUPS; g++) {
            take_greatest(x + g * size, size, 2, best, place);
            top[g] = best[0] + best[1];
        }
        take_greatest(top, GROUPS, TAKE, best, place);
        for (int64_t s = 0; s < TAKE; s++) {
            on[place[s]] = true;
        }
        for (int64_t e = 0; e < n; e++) {
            x[e] = on[e / size] ? x[e] : -INFINITY;
        }
        take_greatest(x, n, K, best, place);
        double sum = 1;
        for (int64_t k = 0; k < K; k++) {
            sum += place[k] < 0 ? 0 : score[place[k]];
        }
        for (int64_t k = 0; k < K; k++) {
            kt(c, "weight")[t * K + k] = (place[k] < 0 ? 0 : score[place[k]]) / sum;
            kt(c, "expert")[t * K + k] = (double)place[k];
        }
    }
    free(score);
    free(x);
}

/* A word as a number, 0 behind the last one. */
static uint64_t word(kcase *c, int64_t r, int64_t at) {
    return at < kd(c, "W") ? (uint64_t)kt(c, "bits")[r * kd(c, "W") + at] : 0;
}

void ref_decode(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t r = 0; r < kd(c, "R"); r++) {
        for (int64_t i = 0, at = 0; i < n; i++) {
            uint64_t both = word(c, r, at / 32) << 32 | word(c, r, at / 32 + 1);
            uint32_t entry = (uint32_t)kt(c, "table")[both >> (56 - at % 32) & 0xff];
            bool on = i < (int64_t)kt(c, "n")[r];
            kt(c, "Y")[r * n + i] = on ? entry & 0xff : 0;
            at += on ? entry >> 8 : 0;
        }
    }
}

void ref_beam(kcase *c) {
    int64_t beams = kd(c, "W"), words = kd(c, "V"), n = beams * words, end = kd(c, "end");
    double *x = malloc((size_t)(n + 1) * sizeof *x), *best = malloc((size_t)(beams + 1) * sizeof *best);
    int64_t *place = malloc((size_t)(beams + 1) * sizeof *place);
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        for (int64_t i = 0; i < n; i++) {
            int64_t w = b * beams + i / words, v = i % words;
            double score = kt(c, "score")[w], more = (float)(score + kt(c, "logp")[w * words + v]);
            x[i] = kt(c, "ended")[w] == 0 ? more : v == end ? score : -INFINITY;
        }
        take_greatest(x, n, beams, best, place);
        for (int64_t k = 0; k < beams; k++) {
            kt(c, "best")[b * beams + k] = best[k];
            kt(c, "from")[b * beams + k] = place[k] < 0 ? -1 : (double)(place[k] / words);
            kt(c, "token")[b * beams + k] = place[k] < 0 ? -1 : (double)(place[k] % words);
        }
    }
    free(place);
    free(best);
    free(x);
}
