#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

double bench_median_of(const double *values, int n) {
    double copy[BENCH_MAX_ROUNDS];
    memcpy(copy, values, (size_t)n * sizeof *copy);
    return bench_median(copy, n);
}

double bench_smallest(const double *values, int n) {
    double least = values[0];
    for (int i = 1; i < n; i++) {
        least = fmin(least, values[i]);
    }
    return least;
}

double bench_paired_ratio(const double *ours, const double *theirs, int n) {
    double ratio[BENCH_MAX_ROUNDS];
    for (int r = 0; r < n; r++) {
        ratio[r] = theirs[r] / ours[r];
    }
    return bench_median(ratio, n);
}

double bench_geometric_mean(const double *values, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += log(values[i]);
    }
    return n ? exp(sum / n) : 0;
}

int bench_rounds(double budget, double round, int least) {
    double fit = budget / fmax(round, 1e-9);
    int rounds = fit < BENCH_MAX_ROUNDS ? (int)fit | 1 : BENCH_MAX_ROUNDS;
    return rounds > least ? rounds : least;
}

long bench_next_calls(long calls, double seconds, double goal) {
    if (seconds * 10 <= goal) {
        return calls * 10;
    }
    return (long)((double)calls * goal / seconds) + 1;
}
