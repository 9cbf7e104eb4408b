/* See tune_report.h. Plain HTML with inline SVG: per shape the ranking, a heat map over the two block axes that vary most, and the
 * prediction beside the measurement; over all shapes a roofline. Numbers are milliseconds. */
#include "cli/tune_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int SIZE = 320, MARGIN = 46; /* of a plot, in pixels */
enum { RANKED = 20, HEAT = 12 };

static const char style[] =
    "<style>:root{--ink:#1c2430;--soft:#6a7482;--line:#dfe3e8;--fill:#2f6fb5;--hot:#c8553d;--"
    "ok:#2c8a57}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:1080px;margin:2rem "
    "auto;padding:0 1rem}"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .4rem;border-top:1px "
    "solid var(--line);padding-top:1.2rem}"
    "h3{font-size:.95rem;margin:.6rem 0 .2rem}p{margin:.2rem 0 .8rem;color:var(--soft)}"
    "table{border-collapse:collapse;width:100%;font-size:13px}th{text-align:left;color:var(--"
    "soft);font-weight:600}"
    "td,th{padding:.22rem .5rem;border-bottom:1px solid "
    "var(--line)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "code{font:12.5px "
    "ui-monospace,monospace}.bar{background:var(--fill);height:9px;border-radius:2px}"
    "tr.best "
    "td{background:#eaf5ee}.bad{color:var(--hot)}.row{display:flex;flex-wrap:wrap;gap:1.5rem}"
    "figure{margin:0}"
    "svg text{font:11px system-ui,sans-serif;fill:var(--soft)}</style>";

static void escape(FILE *f, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '&':
            fputs("&amp;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*text, f);
        }
    }
}

static const char *schedule_of(const struct cli_candidate *c) {
    return c->schedule[0] ? c->schedule : "(the compiler's choice)";
}

static bool is_ok(const struct cli_candidate *c) {
    return c->c.state == TG_CANDIDATE_OK && c->c.median_ms > 0;
}

/* ---- ranking ------------------------------------------------------------------------------------------------ */

static void write_ranking(FILE *f, const cli_tuned *t) {
    double slowest = 0;
    uint32_t shown = 0;
    for (uint32_t i = 0; i < t->n_candidates && i < RANKED; i++) {
        slowest =
            is_ok(&t->candidates[i]) ? fmax(slowest, t->candidates[i].c.median_ms) : slowest;
    }
    fputs("<table><tr><th>schedule<th class=n>median<th class=n>95 % interval<th "
          "class=n>model<th class=n>samples<th style='width:24%'></tr>\n",
          f);
    for (uint32_t i = 0; i < t->n_candidates && shown < RANKED; i++) {
        const struct cli_candidate *c = &t->candidates[i];
        if (!is_ok(c)) {
            continue;
        }
        bool best = strcmp(c->schedule, t->result.schedule) == 0;
        fprintf(f, "<tr%s><td><code>", best ? " class=best" : "");
        escape(f, schedule_of(c));
        fprintf(f,
                "</code><td class=n>%.4g<td class=n>%.4g – %.4g<td class=n>%.4g<td "
                "class=n>%d<td><div class=bar "
                "style='width:%.1f%%'></div></tr>\n",
                c->c.median_ms, c->c.low_ms, c->c.high_ms, c->c.model_ms, c->c.n_samples,
                100 * c->c.median_ms / slowest);
        shown++;
    }
    fputs("</table>\n", f);
}

static void write_rejected(FILE *f, const cli_tuned *t) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        n += t->candidates[i].c.state != TG_CANDIDATE_OK;
    }
    if (n == 0) {
        return;
    }
    fprintf(f, "<details><summary>%u rejected</summary><table><tr><th>schedule<th>why</tr>\n",
            n);
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const struct cli_candidate *c = &t->candidates[i];
        if (c->c.state != TG_CANDIDATE_OK) {
            fputs("<tr><td><code>", f);
            escape(f, schedule_of(c));
            fprintf(f, "</code><td class=bad>%s: ",
                    c->c.state == TG_CANDIDATE_WRONG ? "wrong result" : "failed");
            escape(f, c->reason);
            fputs("</tr>\n", f);
        }
    }
    fputs("</table></details>\n", f);
}

/* ---- plots -------------------------------------------------------------------------------------------------------- */

/* A logarithmic axis from `low` to `high` on SIZE pixels. */
typedef struct scale {
    double low, high;
} scale;

static double place(scale s, double v) {
    double span = log(s.high / s.low);
    return span > 0 ? MARGIN + (SIZE - 2 * MARGIN) * log(v / s.low) / span : SIZE / 2.0;
}

static void open_plot(FILE *f, const char *title, const char *x, const char *y) {
    fprintf(f,
            "<figure><h3>%s</h3><svg width=%d height=%d viewBox='0 0 %d %d' role=img "
            "aria-label='%s'>"
            "<rect x=%d y=%d width=%d height=%d fill=none stroke=#dfe3e8 />"
            "<text x=%d y=%d text-anchor=middle>%s</text>"
            "<text transform='translate(12 %d) rotate(-90)' text-anchor=middle>%s</text>\n",
            title, SIZE, SIZE, SIZE, SIZE, title, MARGIN, MARGIN, SIZE - 2 * MARGIN,
            SIZE - 2 * MARGIN, SIZE / 2, SIZE - 8, x, SIZE / 2, y);
}

static void label_ends(FILE *f, scale x, scale y) {
    fprintf(f,
            "<text x=%d y=%d>%.3g</text><text x=%d y=%d text-anchor=end>%.3g</text>"
            "<text x=%d y=%d text-anchor=end>%.3g</text><text x=%d y=%d "
            "text-anchor=end>%.3g</text>\n",
            MARGIN, SIZE - MARGIN + 14, x.low, SIZE - MARGIN, SIZE - MARGIN + 14, x.high,
            MARGIN - 4, SIZE - MARGIN, y.low, MARGIN - 4, MARGIN + 8, y.high);
}

static void dot(FILE *f, double x, double y, const char *colour, const char *title,
                double value) {
    fprintf(f, "<circle cx=%.1f cy=%.1f r=3.5 fill='%s' fill-opacity=.7><title>", x, SIZE - y,
            colour);
    escape(f, title);
    fprintf(f, " %.4g</title></circle>\n", value);
}

static void write_model(FILE *f, const cli_tuned *t) {
    scale s = {INFINITY, 0};
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const tg_candidate *c = &t->candidates[i].c;
        if (is_ok(&t->candidates[i]) && c->model_ms > 0) {
            s.low = fmin(s.low, fmin(c->median_ms, c->model_ms));
            s.high = fmax(s.high, fmax(c->median_ms, c->model_ms));
        }
    }
    if (s.high <= 0) {
        return;
    }
    open_plot(f, "Model and measurement", "predicted, ms", "measured, ms");
    label_ends(f, s, s);
    fprintf(f, "<line x1=%d y1=%d x2=%d y2=%d stroke=#b8c0ca stroke-dasharray='4 3' />\n",
            MARGIN, SIZE - MARGIN, SIZE - MARGIN, MARGIN);
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const struct cli_candidate *c = &t->candidates[i];
        if (is_ok(c) && c->c.model_ms > 0) {
            bool best = strcmp(c->schedule, t->result.schedule) == 0;
            dot(f, place(s, c->c.model_ms), place(s, c->c.median_ms),
                best ? "#2c8a57" : "#2f6fb5", schedule_of(c), c->c.median_ms);
        }
    }
    fputs("</svg></figure>\n", f);
}

/* ---- heat map --------------------------------------------------------------------------------------------------------- */

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

typedef struct axis {
    char key[40];
    long values[HEAT];
    uint32_t n;
} axis;

static void add_value(axis *a, long v) {
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

/* The two plain settings (block sizes) with the most values. */
static void find_axes(const cli_tuned *t, axis *best, axis *second) {
    axis all[8] = {{.n = 0}};
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const char *p = t->candidates[i].schedule;
        while (*p) {
            size_t length = strcspn(p, " =(");
            char key[40];
            snprintf(key, sizeof key, "%.*s", (int)(length < 39 ? length : 39), p);
            uint32_t k = 0;
            while (k < n && strcmp(all[k].key, key)) {
                k++;
            }
            if (k == n && n < 8 && p[length] == ' ') {
                snprintf(all[n++].key, sizeof all[0].key, "%s", key);
            }
            p += strcspn(p, ";");
            p += strspn(p, "; ");
        }
    }
    *best = *second = (axis){.n = 0};
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
static double cell(const cli_tuned *t, const axis *x, uint32_t i, const axis *y, uint32_t j) {
    double least = INFINITY;
    for (uint32_t k = 0; k < t->n_candidates; k++) {
        const struct cli_candidate *c = &t->candidates[k];
        if (is_ok(c) && setting(c->schedule, x->key) == x->values[i] &&
            setting(c->schedule, y->key) == y->values[j]) {
            least = fmin(least, c->c.median_ms);
        }
    }
    return isfinite(least) ? least : 0;
}

static void write_cell(FILE *f, double x, double y, double w, double h, double ms,
                       double best) {
    double heat = ms > 0 ? fmin(1, (ms / best - 1) / 1.5)
                         : 0; /* 2.5 times the best is as hot as it gets */
    if (ms <= 0) {
        fprintf(f, "<rect x=%.1f y=%.1f width=%.1f height=%.1f fill=#f2f4f6 />\n", x, y, w, h);
        return;
    }
    fprintf(f,
            "<rect x=%.1f y=%.1f width=%.1f height=%.1f fill='hsl(%.0f 55%% 62%%)'><title>%.4g "
            "ms</title></rect>\n",
            x, y, w, h, 145 - 135 * heat, ms);
    fprintf(f,
            "<text x=%.1f y=%.1f text-anchor=middle "
            "style='fill:#1c2430;font-size:9.5px'>%.2f</text>\n",
            x + w / 2, y + h / 2 + 3, ms / best);
}

static void value_label(FILE *f, double x, double y, const char *anchor, long v) {
    fprintf(f,
            v ? "<text x=%.1f y=%.1f text-anchor=%s>%ld</text>\n"
              : "<text x=%.1f y=%.1f text-anchor=%s>auto</text>\n",
            x, y, anchor, v);
}

static void write_heat(FILE *f, const cli_tuned *t) {
    axis x, y;
    find_axes(t, &x, &y);
    if (x.n < 2 || y.n < 2) {
        return;
    }
    char title[120];
    snprintf(title, sizeof title, "Time over the best, by %s and %s", x.key, y.key);
    open_plot(f, title, x.key, y.key);
    double w = (SIZE - 2.0 * MARGIN) / x.n, h = (SIZE - 2.0 * MARGIN) / y.n, best = INFINITY;
    for (uint32_t k = 0; k < t->n_candidates; k++) {
        best = is_ok(&t->candidates[k]) ? fmin(best, t->candidates[k].c.median_ms) : best;
    }
    for (uint32_t i = 0; i < x.n; i++) {
        value_label(f, MARGIN + w * (i + .5), SIZE - MARGIN + 14, "middle", x.values[i]);
        for (uint32_t j = 0; j < y.n; j++) {
            write_cell(f, MARGIN + w * i + 1, SIZE - MARGIN - h * (j + 1) + 1, w - 2, h - 2,
                       cell(t, &x, i, &y, j), best);
        }
    }
    for (uint32_t j = 0; j < y.n; j++) {
        value_label(f, MARGIN - 4, SIZE - MARGIN - h * (j + .5) + 4, "end", y.values[j]);
    }
    fputs("</svg></figure>\n", f);
}

/* ---- roofline ------------------------------------------------------------------------------------------------------------ */

/* Arithmetic intensity against rate. The roofs are those that the shapes reached: what one of them does, others can. */
static void write_roofline(FILE *f, const cli_tuned *shapes, uint32_t n) {
    scale x = {INFINITY, 0}, y = {INFINITY, 0};
    double rate = 0, bandwidth = 0;
    for (uint32_t i = 0; i < n; i++) {
        const tg_tune_result *r = &shapes[i].result;
        if (r->flops <= 0 || r->bytes <= 0 || r->best_ms <= 0) {
            continue;
        }
        double intensity = r->flops / r->bytes;
        rate = fmax(rate, r->flops / r->best_ms * 1e-6);
        bandwidth = fmax(bandwidth, r->bytes / r->best_ms * 1e-6);
        x.low = fmin(x.low, intensity / 2);
        x.high = fmax(x.high, intensity * 2);
        y.low = fmin(y.low, r->flops / r->default_ms * 1e-6 / 2);
    }
    if (rate <= 0) {
        return;
    }
    y.high = rate * 1.5;
    open_plot(f, "Roofline", "flops per byte of the tensors", "GFLOP/s");
    label_ends(f, x, y);
    double knee = fmin(fmax(rate / bandwidth, x.low), x.high);
    fprintf(f, "<polyline fill=none stroke=#b8c0ca points='%.1f,%.1f %.1f,%.1f %.1f,%.1f' />\n",
            place(x, x.low), SIZE - place(y, fmax(y.low, fmin(rate, bandwidth * x.low))),
            place(x, knee), SIZE - place(y, rate), place(x, x.high), SIZE - place(y, rate));
    for (uint32_t i = 0; i < n; i++) {
        const tg_tune_result *r = &shapes[i].result;
        if (r->flops > 0 && r->bytes > 0 && r->best_ms > 0) {
            double intensity = place(x, r->flops / r->bytes);
            double before = r->flops / r->default_ms * 1e-6,
                   after = r->flops / r->best_ms * 1e-6;
            fprintf(f, "<line x1=%.1f y1=%.1f x2=%.1f y2=%.1f stroke=#2c8a57 />\n", intensity,
                    SIZE - place(y, before), intensity, SIZE - place(y, after));
            dot(f, intensity, place(y, before), "#8a94a2", shapes[i].shape, before);
            dot(f, intensity, place(y, after), "#2c8a57", shapes[i].shape, after);
        }
    }
    fputs("</svg></figure>\n", f);
}

/* ---- the page --------------------------------------------------------------------------------------------------------------- */

static void write_summary(FILE *f, const cli_tuned *shapes, uint32_t n) {
    fputs("<table><tr><th>shape<th class=n>default<th class=n>best<th class=n>speed-up<th "
          "class=n>GFLOP/s<th class=n>GB/s<th "
          "class=n>tried<th>schedule</tr>\n",
          f);
    for (uint32_t i = 0; i < n; i++) {
        const tg_tune_result *r = &shapes[i].result;
        fprintf(f,
                "<tr><td><a href='#s%u'>%s</a><td class=n>%.4g<td class=n>%.4g<td "
                "class=n>%.2f×<td class=n>%.1f<td "
                "class=n>%.1f<td class=n>%u<td><code>",
                i, shapes[i].shape, r->default_ms, r->best_ms, r->default_ms / r->best_ms,
                r->flops / r->best_ms * 1e-6, r->bytes / r->best_ms * 1e-6, r->n_tried);
        escape(f, r->schedule[0] ? r->schedule : "(the compiler's choice)");
        fputs("</code></tr>\n", f);
    }
    fputs("</table>\n", f);
}

bool cli_tune_report(const char *path, const tg_kernel *kernel, const cli_tuned *shapes,
                     uint32_t n) {
    FILE *f = fopen(path, "w");
    if (!f) {
        return false;
    }
    const tg_context *c = kernel->context;
    fprintf(f,
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
            "content='width=device-width'><title>Tuning %s</title>%s\n",
            tg_kernel_name(kernel), style);
    fprintf(f,
            "<h1>%s</h1><p>%s %s, %d thread%s. Times are milliseconds of one launch: medians, "
            "with the 95 %% interval of the median.</p>\n",
            tg_kernel_name(kernel), tg_context_device(c), tg_context_arch(c),
            tg_context_n_threads(c), tg_context_n_threads(c) == 1 ? "" : "s");
    write_summary(f, shapes, n);
    fputs("<p>Grey: the compiler's choice; green: the best. The roofs are the highest rate and "
          "bandwidth among these shapes.</p>\n",
          f);
    write_roofline(f, shapes, n);
    for (uint32_t i = 0; i < n; i++) {
        fprintf(f, "<h2 id=s%u>%s</h2><div class=row>\n", i, shapes[i].shape);
        write_heat(f, &shapes[i]);
        write_model(f, &shapes[i]);
        fputs("</div><h3>Ranking</h3>\n", f);
        write_ranking(f, &shapes[i]);
        write_rejected(f, &shapes[i]);
    }
    fputs("</html>\n", f);
    bool ok = !ferror(f);
    return fclose(f) == 0 && ok;
}
