// Diagnostics for programs: code, place, and a fix.
// RUN: not %tegula compile %s --emit tile --json 2>&1 | FileCheck %s
// CHECK: "code": "E0201"
// CHECK-SAME: "edits": [{{.*}}"text": "sqrt"
kernel typo(in f32 A[N], out f32 B[N])
{
    grid (i in N) B[i] = sqtr(A[i]);
}
