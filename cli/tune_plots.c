/* See tune_plots.h. */
#include "cli/tune_plots.h"

#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEAT = 12 };
static const char GREY[] = "#8a94a2", GREEN[] = "#2c8a57", BLUE[] = "#2f6fb5", LINE[] = "#b8c0ca";

bool cli_is_measured(const struct cli_candidate *c) {
    return c->c.state == TG_CANDIDATE_OK && c->c.median_ms > 0;
}

const char *cli_schedule_of(const struct cli_candidate *c) {
    return c->schedule[0] ? c->schedule : "(the compiler's choice)";
}

/* The fastest of all; infinite: none was measured. */
static double best_of(const cli_tuned *t) {
    double best = INFINITY;
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        best = cli_is_measured(&t->candidates[i]) ? fmin(best, t->candidates[i].c.median_ms) : best;
    }
    return best;
}

/* ---- model ------------------------------------------------------------------------------------------------- */

void cli_plot_model(FILE *f, const cli_tuned *t) {
    const double most = 4; /* times the best: a few slow candidates would press the others into a corner */
    double low = best_of(t), high = 0;
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const tg_candidate *c = &t->candidates[i].c;
        if (cli_is_measured(&t->candidates[i]) && c->model_ms > 0) {
            low = fmin(low, c->model_ms);
            high = fmax(high, fmax(c->median_ms, c->model_ms));
        }
    }
    if (high <= 0) {
        return;
    }
    high = fmin(high, most * low);
    plot p = {f, 300, 300, {low / 1.1, high * 1.1, "predicted, ms"}, {low / 1.1, high * 1.1, "measured, ms"}};
    plot_open(&p, "Model and measurement");
    plot_grid(&p);
    plot_line(&p, p.x.low, p.x.low, p.x.high, p.x.high, LINE, "4 3");
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const struct cli_candidate *c = &t->candidates[i];
        if (cli_is_measured(c) && c->c.model_ms > 0) {
            bool best = strcmp(c->schedule, t->result.schedule) == 0;
            plot_dot(&p, c->c.model_ms, c->c.median_ms, best ? GREEN : BLUE, cli_schedule_of(c), "ms");
        }
    }
    plot_close(&p);
}

/* ---- heat map ---------------------------------------------------------------------------------------------- */

/* The number that a schedule gives `key`; 0: left to the compiler. */
static long setting(const char *schedule, const char *key) {
    size_t n = strlen(key);
    for (const char *p = schedule; (p = strstr(p, key)) != NULL; p += n) {
        bool starts = p == schedule || p[-1] == ' ';
        if (starts && strncmp(p + n, " = ", 3) == 0) {
            return strtol(p + n + 3, NULL, 10);
        }
    }
    return 0;
}

typedef struct setting_axis {
    char key[40];
    long values[HEAT];
    uint32_t n;
} setting_axis;

static void add_value(setting_axis *a, long v) {
    uint32_t at = 0;
    while (at < a->n && a->values[at] < v) {
        at++;
    }
    if ((at < a->n && a->values[at] == v) || a->n == HEAT) {
        return;
    }
    memmove(&a->values[at + 1], &a->values[at], (a->n - at) * sizeof *a->values);
    a->values[at] = v;
    a->n++;
}

/* The two settings that are numbers, blocks and registers, with the most values. */
static void find_axes(const cli_tuned *t, setting_axis *best, setting_axis *second) {
    enum { MOST = 16 };
    setting_axis all[MOST] = {{.n = 0}};
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const char *p = t->candidates[i].schedule;
        while (*p) {
            size_t length = strcspn(p, " ");
            char key[40];
            snprintf(key, sizeof key, "%.*s", (int)(length < 39 ? length : 39), p);
            uint32_t k = 0;
            while (k < n && strcmp(all[k].key, key)) {
                k++;
            }
            if (k == n && n < MOST && setting(p, key) > 0) {
                snprintf(all[n++].key, sizeof all[0].key, "%s", key);
            }
            p += strcspn(p, ";");
            p += strspn(p, "; ");
        }
    }
    *best = *second = (setting_axis){.n = 0};
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t i = 0; i < t->n_candidates; i++) {
            add_value(&all[k], setting(t->candidates[i].schedule, all[k].key));
        }
        if (all[k].n > best->n) {
            *second = *best;
            *best = all[k];
        } else if (all[k].n > second->n) {
            *second = all[k];
        }
    }
}

/* The fastest of all candidates with these two values; 0: none was measured. */
static double cell(const cli_tuned *t, const setting_axis *x, uint32_t i, const setting_axis *y, uint32_t j) {
    double least = INFINITY;
    for (uint32_t k = 0; k < t->n_candidates; k++) {
        const struct cli_candidate *c = &t->candidates[k];
        if (cli_is_measured(c) && setting(c->schedule, x->key) == x->values[i] &&
            setting(c->schedule, y->key) == y->values[j]) {
            least = fmin(least, c->c.median_ms);
        }
    }
    return isfinite(least) ? least : 0;
}


/* 2.5 times the best is as hot as it gets. */
static void write_cell(FILE *f, int x, int y, int w, int h, double ms, double best) {
    if (ms <= 0) {
        fprintf(f, "<rect x=%d y=%d width=%d height=%d fill=#f2f4f6 />\n", x, y, w, h);
        return;
    }
    double heat = fmin(1, (ms / best - 1) / 1.5);
    fprintf(f,
            "<rect x=%d y=%d width=%d height=%d fill='hsl(%.0f 55%% 62%%)'><title>%.4g ms</title></rect>"
            "<text x=%d y=%d text-anchor=middle style='fill:#1c2430'>%.2f</text>\n",
            x, y, w, h, 145 - 135 * heat, ms, x + w / 2, y + h / 2 + 4, ms / best);
}

static void value_label(FILE *f, int x, int y, const char *anchor, long v) {
    fprintf(f, v ? "<text x=%d y=%d text-anchor=%s>%ld</text>\n" : "<text x=%d y=%d text-anchor=%s>auto</text>\n", x,
            y, anchor, v);
}

void cli_plot_heat(FILE *f, const cli_tuned *t) {
    enum { WIDTH = 38, HEIGHT = 24, GAP = 2 }; /* of a cell; between two */
    setting_axis x, y;
    find_axes(t, &x, &y);
    if (x.n < 2 || y.n < 2) {
        return;
    }
    char title[120];
    snprintf(title, sizeof title, "Time over the best, by %s and %s", x.key, y.key);
    plot p = {f, WIDTH * (int)x.n, HEIGHT * (int)y.n, {1, 2, x.key}, {1, 2, y.key}};
    plot_open(&p, title);
    double best = best_of(t);
    int left = (int)plot_x(&p, 1), bottom = (int)plot_y(&p, 1);
    for (uint32_t i = 0; i < x.n; i++) {
        int at = left + WIDTH * (int)i;
        value_label(f, at + WIDTH / 2, bottom + 15, "middle", x.values[i]);
        for (uint32_t j = 0; j < y.n; j++) {
            write_cell(f, at + 1, bottom - HEIGHT * (int)(j + 1) + 1, WIDTH - GAP, HEIGHT - GAP,
                       cell(t, &x, i, &y, j), best);
        }
    }
    for (uint32_t j = 0; j < y.n; j++) {
        value_label(f, left - 5, bottom - HEIGHT * (int)j - HEIGHT / 2 + 4, "end", y.values[j]);
    }
    plot_close(&p);
}

/* ---- roofline ---------------------------------------------------------------------------------------------- */

typedef struct rates {
    double intensity, before, after; /* flops per byte; GFLOP/s */
} rates;

/* False: this shape has no arithmetic, or was not measured. */
static bool rates_of(const cli_tuned *t, rates *out) {
    const tg_tune_result *r = &t->result;
    bool counts = r->flops > 0 && r->bytes > 0 && r->best_ms > 0 && r->default_ms > 0;
    *out = counts ? (rates){r->flops / r->bytes, r->flops / r->default_ms * 1e-6, r->flops / r->best_ms * 1e-6}
                  : (rates){0};
    return counts;
}

/* A bandwidth rises to where it meets the roof of the products. */
static void slope(const plot *p, double gbps, double top, const char *name) {
    double knee = fmin(top / gbps, p->x.high), start = fmax(p->x.low, p->y.low / gbps);
    if (gbps > 0 && start < knee) {
        char text[80];
        snprintf(text, sizeof text, "%s, %.3g GB/s", name, gbps);
        plot_line(p, start, gbps * start, knee, gbps * knee, LINE, NULL);
        plot_text(p, start * 1.05, gbps * start, "start", text);
    }
}

static void roofs(const plot *p, const cli_roofs *roof) {
    double top = roof->gflops > 0 ? roof->gflops : p->y.high;
    if (roof->gflops > 0) {
        char text[80];
        snprintf(text, sizeof text, "product of 512 x 512 x 512 in %s, %.3g GFLOP/s", tg_dtype_name(roof->dtype), top);
        plot_line(p, fmax(p->x.low, top / fmax(roof->cache_gbps, roof->memory_gbps)), top, p->x.high, top, LINE, NULL);
        plot_text(p, p->x.high, top, "end", text);
    }
    slope(p, roof->cache_gbps, top, "caches");
    slope(p, roof->memory_gbps, top, "memory");
}

void cli_plot_roofline(FILE *f, const cli_tuned *shapes, uint32_t n, const cli_roofs *roof) {
    plot p = {f, 640, 300, {INFINITY, 0, "flops per byte of the tensors"}, {INFINITY, roof->gflops, "GFLOP/s"}};
    rates r;
    for (uint32_t i = 0; i < n; i++) {
        if (rates_of(&shapes[i], &r)) {
            p.x.low = fmin(p.x.low, r.intensity);
            p.x.high = fmax(p.x.high, r.intensity);
            p.y.low = fmin(p.y.low, r.before);
            p.y.high = fmax(p.y.high, fmax(r.before, r.after));
        }
    }
    if (p.x.high <= 0) {
        return;
    }
    if (roof->gflops > 0 && roof->memory_gbps > 0) { /* show where the roofs meet */
        p.x.high = fmax(p.x.high, roof->gflops / roof->memory_gbps);
        p.x.low = fmin(p.x.low, roof->gflops / fmax(roof->memory_gbps, roof->cache_gbps));
    }
    p.x.low /= 2, p.x.high *= 2, p.y.low /= 2, p.y.high *= 1.6;
    plot_open(&p, "Roofline");
    plot_grid(&p);
    roofs(&p, roof);
    for (uint32_t i = 0; i < n; i++) {
        if (rates_of(&shapes[i], &r)) {
            plot_line(&p, r.intensity, r.before, r.intensity, r.after, GREEN, NULL);
            plot_dot(&p, r.intensity, r.before, GREY, shapes[i].shape, "GFLOP/s");
            plot_dot(&p, r.intensity, r.after, GREEN, shapes[i].shape, "GFLOP/s");
        }
    }
    plot_close(&p);
}
