// A syntax error: exit code 1, the line, and nothing on standard output.
// RUN: not %tegula compile %s --emit asm > %t.out 2> %t.err
// RUN: FileCheck %s < %t.err
// RUN: not grep . %t.out
// CHECK: error[E01{{[0-9][0-9]}}]
// CHECK: errors_syntax.dsl:7
kernel broken(in f32 A[N], out f32 B[N)
{
    grid (i in N) B[i] = A[i];
}
