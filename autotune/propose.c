/* Which points of the space to try next.
 *
 * The first are the model's: all combinations of blocks and of what clauses name, ranked by predicted time, each with blocks of its own.
 * Later ones come from what has been measured so far:
 *
 *   log t(x) ≈ log model(x) + mean + Σ over parameters effect[parameter][value]
 *
 * corrects the model by one number per value, fitted to all tries by backfitting; a value seen n times keeps n/(n + 1) of its mean
 * residual, so that an unseen one counts as neutral and is tried soon, and one that proved bad somewhere is tried late elsewhere. A batch
 * takes neighbours of the best tries (one parameter changed: the estimate is the neighbour's own time with the difference of the fit) and
 * the best of the ranking under the fit, which is how the search leaves a local minimum. It ends when nothing is left whose estimate
 * is within HOPE of the best (WIDE_HOPE for the ranking: a fit of few tries is wrong about blocks that lie far from them). */
#include "autotune/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLED_POINTS = 32768, PARENTS = 3, SWEEPS = 4, POLISHED = 24, POLISH_STEPS = 16 };
static const double
    HOPE = 0.45,
    WIDE_HOPE = 1; /* of the logarithm: 1.57 and 2.7 times the best; wide: of the ranking */

static bool is_known(const tg_session *s, const tg_point *x) {
    for (uint32_t i = 0; i < s->tries.len; i++) {
        if (memcmp(&s->tries.data[i]->point, x, sizeof *x) == 0) {
            return true;
        }
    }
    return false;
}

static double model_of(const tg_session *s, const tg_point *x) {
    return tg_model_ns(&s->space, x, tg_context_n_threads(s->tuner->context));
}

/* ---- the ranking ---------------------------------------------------------------------------------------------- */

static int by_model(const void *a, const void *b) {
    const tg_ranked *x = a, *y = b;
    return x->ns != y->ns ? (x->ns > y->ns) - (x->ns < y->ns)
                          : memcmp(&x->point, &y->point, sizeof x->point);
}

static double n_points(const tg_space *s) {
    double n = 1;
    for (uint32_t i = 0; i < s->n_ranked; i++) {
        n *= s->params[i].n;
    }
    return n;
}

static void decode(const tg_space *s, uint64_t number, tg_point *x) {
    memset(x, 0, sizeof *x);
    for (uint32_t i = 0; i < s->n_ranked; i++) {
        x->at[i] = (uint8_t)(number % s->params[i].n);
        number /= s->params[i].n;
    }
}

/* The best neighbour by the model, if it is better. */
static bool improve(const tg_session *s, tg_ranked *r) {
    tg_ranked best = *r;
    for (uint32_t i = 0; i < s->space.n_ranked; i++) {
        for (int step = -1; step <= 1; step += 2) {
            tg_ranked next = *r;
            int at = next.point.at[i] + step;
            if (at < 0 || at >= (int)s->space.params[i].n) {
                continue;
            }
            next.point.at[i] = (uint8_t)at;
            if (tg_space_legal(&s->space, &next.point)) {
                next.ns = model_of(s, &next.point);
                best = next.ns < best.ns ? next : best;
            }
        }
    }
    bool better = best.ns < r->ns;
    *r = best;
    return better;
}

/* A sample of a large space misses its best points; from the best of the sample they are a few steps away. */
static void polish(tg_session *s) {
    uint32_t n = s->n_ranked < POLISHED ? s->n_ranked : POLISHED, kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (int step = 0; step < POLISH_STEPS && improve(s, &s->ranked[i]); step++) {
        }
    }
    qsort(s->ranked, s->n_ranked, sizeof *s->ranked, by_model);
    for (uint32_t i = 0; i < s->n_ranked; i++) { /* several may have met */
        const tg_ranked *r = &s->ranked[i];
        if (kept == 0 || memcmp(&s->ranked[kept - 1].point, &r->point, sizeof r->point) != 0) {
            s->ranked[kept++] = *r;
        }
    }
    s->n_ranked = kept;
}

void tg_propose_open(tg_session *s) {
    double total = n_points(&s->space);
    uint32_t n = (uint32_t)fmin(total, SAMPLED_POINTS);
    double step = total / n;
    s->ranked = TG_NEW_ARRAY(s->problem.arena, tg_ranked, n + 1);
    for (uint32_t i = 1; i < n; i++) { /* 0 is the default */
        tg_ranked *r = &s->ranked[s->n_ranked];
        decode(&s->space, (uint64_t)(i * step), &r->point);
        if (tg_space_legal(&s->space, &r->point)) {
            r->ns = model_of(s, &r->point);
            s->n_ranked++;
        }
    }
    qsort(s->ranked, s->n_ranked, sizeof *s->ranked, by_model);
    if (total > n) {
        polish(s);
    }
    s->n_space = s->n_ranked + 1;
}

static bool same_blocks(const tg_space *s, const tg_point *x, const tg_point *y) {
    for (uint32_t i = 0; i < s->n_params; i++) {
        if (s->params[i].role == TG_ROLE_BLOCK && x->at[i] != y->at[i]) {
            return false;
        }
    }
    return true;
}

uint32_t tg_propose_first(tg_session *s, uint32_t most, tg_point *out) {
    uint32_t n = 0;
    bool all = s->options->exhaustive;
    for (uint32_t i = 0; i < s->n_ranked && n < most; i++) {
        bool fresh = true;
        for (uint32_t k = 0; k < n && fresh && !all; k++) {
            fresh = !same_blocks(&s->space, &out[k], &s->ranked[i].point);
        }
        if (fresh) {
            s->ranked[i].taken = true;
            out[n++] = s->ranked[i].point;
        }
    }
    return n;
}

/* ---- the fit ------------------------------------------------------------------------------------------------------ */

typedef struct fit {
    double mean, effect[TG_SPACE_PARAMS][TG_SPACE_VALUES];
} fit;

static double correction(const fit *f, const tg_space *s, const tg_point *x) {
    double sum = f->mean;
    for (uint32_t i = 0; i < s->n_params; i++) {
        sum += f->effect[i][x->at[i]];
    }
    return sum;
}

static double residual(const tg_try *t) {
    return log(t->score / t->model_ns);
}

static void refit_param(const tg_session *s, fit *f, uint32_t param) {
    double sum[TG_SPACE_VALUES] = {0}, n[TG_SPACE_VALUES] = {0};
    for (uint32_t i = 0; i < s->tries.len; i++) {
        const tg_try *t = s->tries.data[i];
        if (tg_try_is_measured(t)) {
            uint8_t at = t->point.at[param];
            sum[at] += residual(t) - correction(f, &s->space, &t->point) + f->effect[param][at];
            n[at]++;
        }
    }
    for (uint32_t v = 0; v < s->space.params[param].n; v++) {
        f->effect[param][v] = sum[v] / (n[v] + 1);
    }
}

static void make_fit(const tg_session *s, fit *f) {
    double n = 0;
    memset(f, 0, sizeof *f);
    for (uint32_t i = 0; i < s->tries.len; i++) {
        const tg_try *t = s->tries.data[i];
        f->mean += tg_try_is_measured(t) ? residual(t) : 0;
        n += tg_try_is_measured(t);
    }
    f->mean /= fmax(n, 1);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        for (uint32_t i = 0; i < s->space.n_params; i++) {
            refit_param(s, f, i);
        }
    }
}

/* ---- the next batch ------------------------------------------------------------------------------------------------- */

typedef struct guess {
    tg_point point;
    double estimate;   /* log ns */
    tg_ranked *ranked; /* where it is from, or null */
} guess;

typedef struct pool {
    const tg_session *s;
    fit fit;
    double best; /* log ns */
    TG_VEC(guess) guesses;
} pool;

static int by_estimate(const void *a, const void *b) {
    const guess *x = a, *y = b;
    return x->estimate != y->estimate
               ? (x->estimate > y->estimate) - (x->estimate < y->estimate)
               : memcmp(&x->point, &y->point, sizeof x->point);
}

static void add_guess(pool *p, const tg_point *x, double estimate, tg_ranked *ranked) {
    bool fresh = estimate <= p->best + (ranked ? WIDE_HOPE : HOPE) && !is_known(p->s, x);
    for (uint32_t i = 0; i < p->guesses.len && fresh; i++) {
        fresh = memcmp(&p->guesses.data[i].point, x, sizeof *x) != 0;
    }
    if (fresh && tg_space_legal(&p->s->space, x)) {
        guess g = {*x, estimate, ranked};
        tg_vec_push(p->s->problem.arena, &p->guesses, g);
    }
}

static void add_neighbour(pool *p, const tg_try *of, uint32_t param, int at) {
    tg_point x = of->point;
    if (at < 0 || at >= (int)p->s->space.params[param].n) {
        return;
    }
    x.at[param] = (uint8_t)at;
    double change = log(model_of(p->s, &x) / of->model_ns) +
                    correction(&p->fit, &p->s->space, &x) -
                    correction(&p->fit, &p->s->space, &of->point);
    add_guess(p, &x, log(of->score) + change, NULL);
}

/* Blocks have an order: one step each way, and to or from the compiler's choice. Other parameters: any value. */
static void add_neighbours(pool *p, const tg_try *of) {
    for (uint32_t i = 0; i < p->s->space.n_params; i++) {
        const tg_space_param *q = &p->s->space.params[i];
        int at = of->point.at[i];
        if (q->role != TG_ROLE_BLOCK) {
            for (int v = 0; v < (int)q->n; v++) {
                add_neighbour(p, of, i, v);
            }
        } else {
            add_neighbour(p, of, i, at + 1);
            add_neighbour(p, of, i, at - 1);
            add_neighbour(p, of, i, at ? 0 : (int)q->n - 1);
        }
    }
}

/* The best few of the ranking under the fit, with the directives of the best try. */
static void add_ranked(pool *p, const tg_try *best, uint32_t most) {
    const tg_space *space = &p->s->space;
    guess *few = TG_NEW_ARRAY(p->s->problem.arena, guess, most + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->s->n_ranked; i++) {
        tg_ranked *r = &p->s->ranked[i];
        guess g = {r->point, 0, r};
        if (r->taken) {
            continue;
        }
        memcpy(&g.point.at[space->n_ranked], &best->point.at[space->n_ranked],
               space->n_params - space->n_ranked);
        g.estimate = log(r->ns) + correction(&p->fit, space, &g.point);
        uint32_t k = n < most ? n++ : most;
        for (; k > 0 && few[k - 1].estimate > g.estimate; k--) {
            few[k] = few[k - 1];
        }
        few[k] = g;
    }
    for (uint32_t i = 0; i < n; i++) {
        add_guess(p, &few[i].point, few[i].estimate, few[i].ranked);
    }
}

static uint32_t take(pool *p, uint32_t most, bool ranked, tg_point *out) {
    uint32_t n = 0, kept = 0;
    for (uint32_t i = 0; i < p->guesses.len; i++) {
        guess g = p->guesses.data[i];
        if (n < most && (g.ranked != NULL) == ranked) {
            out[n++] = g.point;
            if (g.ranked) {
                g.ranked->taken = true;
            }
        } else {
            p->guesses.data[kept++] = g;
        }
    }
    p->guesses.len = kept;
    return n;
}

uint32_t tg_propose_next(tg_session *s, tg_try *const *best, uint32_t n_best, uint32_t most,
                         tg_point *out) {
    pool *p = TG_NEW(s->problem.arena, pool);
    p->s = s;
    make_fit(s, &p->fit);
    p->best = log(best[0]->score);
    for (uint32_t i = 0; i < n_best && i < PARENTS; i++) {
        add_neighbours(p, best[i]);
    }
    add_ranked(p, best[0], most);
    if (p->guesses.len) {
        qsort(p->guesses.data, p->guesses.len, sizeof *p->guesses.data, by_estimate);
    }
    uint32_t n = take(p, most - most / 3, false, out);
    n += take(p, most - n, true, out + n);
    return n + take(p, most - n, false, out + n);
}
