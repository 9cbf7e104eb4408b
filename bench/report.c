/* The table, and the same rows as JSON. */
#include <string.h>

#include "bench/harness.h"

void bench_print_header(void) {
    printf("%-10s %-24s %7s %10s %10s %-8s %-25s %6s %8s %6s\n", "suite", "case", "threads",
           "ours", "best peer", "unit", "peer", "ratio", "of roof", "goal");
}

static void print_number(int width, double v) {
    if (v < 0) {
        printf(" %*s", width, "-");
    } else {
        printf(" %*.*f", width, v < 10 ? 2 : 1, v);
    }
}

static void json_number(FILE *f, const char *key, double v) {
    if (v < 0) {
        fprintf(f, ", \"%s\": null", key);
    } else {
        fprintf(f, ", \"%s\": %.6g", key, v);
    }
}

static void write_json(bench *b, const bench_row *r) {
    fprintf(b->json,
            "%s\n  {\"suite\": \"%s\", \"case\": \"%s\", \"threads\": %d, \"unit\": \"%s\"",
            b->has_json_rows ? "," : "", r->suite, r->name, r->threads, r->unit);
    json_number(b->json, "ours", r->ours);
    json_number(b->json, "best_peer", r->best_peer);
    json_number(b->json, "ours_best", r->ours_best);
    json_number(b->json, "best_peer_best", r->best_peer_best);
    fprintf(b->json, ", \"best_peer_name\": \"%s\"", r->best_peer_name);
    json_number(b->json, "ratio", r->ratio);
    json_number(b->json, "roofline_fraction", r->roofline_fraction);
    json_number(b->json, "goal", r->goal > 0 ? r->goal : -1);
    fprintf(b->json, ", \"peers\": {%s}}", r->peers);
    b->has_json_rows = true;
}

/* Ratios of the suite that is running, for bench_report_mean. */
enum { MAX_ROWS = 64 };
static double ratios[MAX_ROWS];
static int n_ratios;

void bench_report(bench *b, const bench_row *r) {
    if (r->ratio > 0 && n_ratios < MAX_ROWS) {
        ratios[n_ratios++] = r->ratio;
    }
    printf("%-10s %-24s %7d", r->suite, r->name, r->threads);
    print_number(10, r->ours);
    print_number(10, r->best_peer);
    printf(" %-8s %-25s", r->unit, r->best_peer_name[0] ? r->best_peer_name : "-");
    print_number(6, r->ratio);
    print_number(8, r->roofline_fraction);
    print_number(6, r->goal > 0 ? r->goal : -1);
    putchar('\n');
    fflush(stdout);
    if (b->json) {
        write_json(b, r);
    }
}

void bench_report_time(bench *b, const char *suite, const char *name, const char *unit,
                       double *seconds, int n, double goal) {
    double scale = strcmp(unit, "ms") == 0 ? 1e3 : 1e6;
    bench_row row = {.suite = suite,
                     .threads = b->threads,
                     .unit = unit,
                     .best_peer = -1,
                     .ours_best = -1,
                     .best_peer_best = -1,
                     .best_peer_name = "",
                     .ratio = -1,
                     .roofline_fraction = -1,
                     .goal = goal};
    snprintf(row.name, sizeof row.name, "%s", name);
    row.ours = scale * bench_median(seconds, n);
    bench_report(b, &row);
}

void bench_report_mean(bench *b, const char *suite) {
    if (n_ratios > 1) {
        printf("%-10s %-24s %7d %*s %6.2f (%d rows)\n", suite, "geometric mean", b->threads, 56,
               "", bench_geometric_mean(ratios, n_ratios), n_ratios);
        fflush(stdout);
    }
    n_ratios = 0;
}
