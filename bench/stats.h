/* The arithmetic of the benchmark: what becomes of the samples of one case. No clock, no I/O; tests/bench checks it. */
#ifndef TG_BENCH_STATS_H
#define TG_BENCH_STATS_H

/** Median; the mean of the middle two if `n` is even. Sorts `values`; n >= 1. */
double bench_median(double *values, int n);
/** The same without changing `values`; n <= BENCH_MAX_ROUNDS. */
double bench_median_of(const double *values, int n);
double bench_smallest(const double *values, int n);

/** Median over the rounds of theirs[r] / ours[r], seconds of one call each: above 1, ours is faster. A spell in which
 * the machine is slow falls on both sides of a round and cancels. n <= BENCH_MAX_ROUNDS. */
double bench_paired_ratio(const double *ours, const double *theirs, int n);

/** Geometric mean; 0 if there are no values. All values are positive. */
double bench_geometric_mean(const double *values, int n);

enum { BENCH_MAX_ROUNDS = 31 };

/** Rounds of a case: as many as fit `budget` seconds when one round takes `round`, odd, within [least,
 * BENCH_MAX_ROUNDS]. */
int bench_rounds(double budget, double round, int least);

/** Calls of the next sample, so that it lasts some `goal` seconds, when `calls` calls took `seconds`. Grows at most
 * tenfold at a time, because a first measurement may be cold. */
long bench_next_calls(long calls, double seconds, double goal);

#endif
