// What `where L % Q == 0` says about L / Q: the first six are covered.
kernel across(in f32 X[L], in f32 W[Q], out f32 Y[Q, L / Q])
    where L % Q == 0
{
    grid (i in L) Y[i % Q, i / Q] = X[i] * W[i % Q];
}
kernel across_four(in f32 X[L], out f32 Y[4, L / 4])
    where L % 4 == 0
{
    grid (i in L) Y[i % 4, i / 4] = X[i];
}
kernel product(in f32 X[L], out f32 Y[Q, P])
    where L == Q * P
{
    grid (i in L) Y[i % Q, i / Q] = X[i];
}
kernel apart(in f32 X[L], in f32 W[Q], out f32 Y[L])
    where L % Q == 0
{
    grid (b in L / Q, q in Q) Y[b + q * (L / Q)] = X[b * Q + q] * W[q];
}
kernel steps(in f32 X[L], out f32 Y[L])
    where L % 8 == 0
{
    grid (each b in L step 8, q in 8) Y[b + q] = X[b + q];
}
kernel by_number(in f32 X[L], out f32 Y[L], i64 q)
    where L % q == 0, q > 0
{
    grid (b in L / q, i in q) Y[b * q + i] = X[b * q + i];
}
kernel no_fact(in f32 X[L], in f32 W[Q], out f32 Y[Q, L / Q])
{
    grid (i in L) Y[i % Q, i / Q] = X[i] * W[i % Q];
}
kernel another_shape(in f32 X[L], in f32 W[Q], out f32 Y[Q, P])
    where L % Q == 0
{
    grid (i in L) Y[i % Q, i / Q] = X[i] * W[i % Q];
}
kernel one_less(in f32 X[L], in f32 W[Q], out f32 Y[Q, L / Q])
    where L % Q == 0
{
    grid (i in L - 1) Y[i % Q, i / Q] = X[i] * W[i % Q];
}
kernel one_row_more(in f32 X[L], in f32 W[Q], out f32 Y[Q, L / Q + 1])
    where L % Q == 0
{
    grid (i in L) Y[i % Q, i / Q] = X[i] * W[i % Q];
}
kernel another_remainder(in f32 X[L], in f32 W[Q], out f32 Y[Q, L / Q])
    where L % Q == 1
{
    grid (i in L) Y[i % Q, i / Q] = X[i] * W[i % Q];
}
kernel another_step(in f32 X[L], out f32 Y[L])
    where L % 4 == 0
{
    grid (each b in L step 8, q in 8) Y[b + q] = X[b + q] where b + q < L;
}
kernel shorter_rows(in f32 X[L], out f32 Y[L])
    where L % 8 == 0
{
    grid (each b in L step 8, q in 7) Y[b + q] = X[b + q];
}
kernel later(in f32 X[L], out f32 Y[L])
    where L % 8 == 0
{
    grid (each b in L from 8 step 8, q in 8) Y[b + q] = X[b + q];
}
kernel any_number(in f32 X[L], out f32 Y[L], i64 q)
    where L % q == 0
{
    grid (b in L / q, i in q) unchecked Y[b * q + i] = X[b * q + i];
}
