/* See tune_report.h. Plain HTML with inline SVG: over all shapes a table and a roofline; for each its plots, the ranking and what was
 * rejected. Times are milliseconds. */
#include "cli/tune_report.h"

#include "cli/plot.h"
#include "cli/roof.h"
#include "cli/tune_plots.h"

#include <math.h>
#include <string.h>

enum { RANKED = 20 };

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

/* ---- ranking ------------------------------------------------------------------------------------------------ */

/* `longest`: the milliseconds of a whole bar. */
static void write_ranked(FILE *f, const struct cli_candidate *c, bool best, double longest) {
    fprintf(f, "<tr%s><td><code>", best ? " class=best" : "");
    cli_html_text(f, cli_schedule_of(c));
    fprintf(f,
            "</code><td class=n>%.4g<td class=n>%.4g – %.4g<td class=n>%.4g<td "
            "class=n>%d<td><div class=bar style='width:%.1f%%'></div></tr>\n",
            c->c.median_ms, c->c.low_ms, c->c.high_ms, c->c.model_ms, c->c.n_samples,
            100 * fmin(1, c->c.median_ms / longest));
}

/* The fastest, and the one that was chosen if it is not among them: candidates of few samples may have been lucky. */
static void write_ranking(FILE *f, const cli_tuned *t) {
    double fastest = 0, slowest = 0;
    uint32_t rank = 0;
    fputs("<table><tr><th>schedule<th class=n>median<th class=n>95 % interval<th "
          "class=n>model<th class=n>samples<th style='width:24%'></tr>\n",
          f);
    for (uint32_t i = 0; i < t->n_candidates && rank < RANKED; i++) {
        if (cli_is_measured(&t->candidates[i])) {
            slowest = t->candidates[i].c.median_ms;
            fastest = rank++ ? fastest : slowest;
        }
    }
    rank = 0;
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const struct cli_candidate *c = &t->candidates[i];
        bool best = strcmp(c->schedule, t->result.schedule) == 0;
        if (cli_is_measured(c) && (rank++ < RANKED || best)) {
            write_ranked(f, c, best, fmin(slowest, 3 * fastest));
        }
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
            cli_html_text(f, cli_schedule_of(c));
            fprintf(f, "</code><td class=bad>%s: ",
                    c->c.state == TG_CANDIDATE_WRONG ? "wrong result" : "failed");
            cli_html_text(f, c->reason);
            fputs("</tr>\n", f);
        }
    }
    fputs("</table></details>\n", f);
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
        cli_html_text(f, r->schedule[0] ? r->schedule : "(the compiler's choice)");
        fputs("</code></tr>\n", f);
    }
    fputs("</table>\n", f);
}

static cli_roofs measure_roofs(tg_context *c, tg_dtype dtype) {
    const tg_machine *m = &c->machine;
    double largest = (double)(m->l3_bytes > m->l2_bytes ? m->l3_bytes : m->l2_bytes);
    cli_roofs r = {.dtype = cli_roof_dtype(dtype)};
    r.gflops = cli_roof_gflops(c, r.dtype);
    r.cache_gbps = cli_roof_gbps(c, (double)m->l2_bytes / 2 * tg_context_n_threads(c));
    r.memory_gbps = cli_roof_gbps(c, 4 * largest);
    return r;
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
    if (n) {
        cli_roofs roof = measure_roofs(kernel->context, shapes[0].dtype);
        cli_plot_roofline(f, shapes, n, &roof);
        fputs("<p>Grey: the compiler's choice; green: the best. The roofs were measured after the tuning, on the same threads: a "
              "product of matrices, and rows summed or copied that fit the second level of the caches and that do not fit any.</p>\n",
              f);
    }
    for (uint32_t i = 0; i < n; i++) {
        fprintf(f, "<h2 id=s%u>%s</h2><div class=row>\n", i, shapes[i].shape);
        cli_plot_heat(f, &shapes[i]);
        cli_plot_model(f, &shapes[i]);
        fputs("</div><p>Hollow dots lie outside the frame, on its edge. Under a pointer each mark tells its schedule and time.</p>"
              "<h3>Ranking</h3>\n",
              f);
        write_ranking(f, &shapes[i]);
        write_rejected(f, &shapes[i]);
    }
    fputs("</html>\n", f);
    bool ok = !ferror(f);
    return fclose(f) == 0 && ok;
}
