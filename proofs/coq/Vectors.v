(** R^n: vectors, inner product, norm; Cauchy-Schwarz and the triangle inequality from the definitions.

    The book takes these as foundations (linalg.cauchy-schwarz, linalg.triangle). Here they are lemmas.
    A vector is a function from n indices to R, so that two vectors with equal coordinates are equal
    (functional extensionality) and every rule of vector algebra is a rule of R in each coordinate. *)

From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coq Require Fin.
Open Scope R_scope.

(** ** Finite sums *)

Fixpoint total {n : nat} : (Fin.t n -> R) -> R :=
  match n with
  | O => fun _ => 0
  | S k => fun f => f Fin.F1 + @total k (fun i => f (Fin.FS i))
  end.

Lemma total_ext {n} (f g : Fin.t n -> R) : (forall i, f i = g i) -> total f = total g.
Proof. intros same. f_equal. now apply functional_extensionality. Qed.

Lemma total_plus {n} (f g : Fin.t n -> R) : total (fun i => f i + g i) = total f + total g.
Proof. induction n as [|n IH]; simpl; [lra|]. rewrite IH. lra. Qed.

Lemma total_scale {n} (a : R) (f : Fin.t n -> R) : total (fun i => a * f i) = a * total f.
Proof. induction n as [|n IH]; simpl; [lra|]. rewrite IH. lra. Qed.

Lemma total_le {n} (f g : Fin.t n -> R) : (forall i, f i <= g i) -> total f <= total g.
Proof.
  intros below. induction n as [|n IH]; simpl; [lra|].
  apply Rplus_le_compat; [apply below | apply IH; intros i; apply below].
Qed.

Lemma total_zero {n} : @total n (fun _ => 0) = 0.
Proof. induction n as [|n IH]; simpl; [reflexivity|]. rewrite IH. lra. Qed.

Lemma total_nonnegative {n} (f : Fin.t n -> R) : (forall i, 0 <= f i) -> 0 <= total f.
Proof. intros above. rewrite <- (@total_zero n). now apply total_le. Qed.

Lemma total_constant {n} (c : R) : @total n (fun _ => c) = INR n * c.
Proof. induction n as [|n IH]; [simpl; lra|]. rewrite S_INR. simpl. rewrite IH. lra. Qed.

Lemma total_term {n} (f : Fin.t n -> R) (i : Fin.t n) : (forall j, 0 <= f j) -> f i <= total f.
Proof.
  induction i as [n|n i IH]; intros above; simpl.
  - assert (0 <= total (fun j : Fin.t n => f (Fin.FS j))) by now apply total_nonnegative. lra.
  - specialize (IH (fun j => f (Fin.FS j)) (fun j => above (Fin.FS j))). simpl in IH.
    assert (0 <= f Fin.F1) by apply above. lra.
Qed.

Lemma total_exchange {m n} (f : Fin.t m -> Fin.t n -> R) :
  total (fun i => total (fun j => f i j)) = total (fun j => total (fun i => f i j)).
Proof.
  induction m as [|m IH]; simpl.
  - now rewrite total_zero.
  - now rewrite IH, <- total_plus.
Qed.

(** ** Vectors *)

Definition vector (n : nat) := Fin.t n -> R.

Definition add {n} (x y : vector n) : vector n := fun i => x i + y i.
Definition scale {n} (a : R) (x : vector n) : vector n := fun i => a * x i.
Definition sub {n} (x y : vector n) : vector n := fun i => x i - y i.
Definition zero {n} : vector n := fun _ => 0.
Definition inner {n} (x y : vector n) : R := total (fun i => x i * y i).
Definition norm {n} (x : vector n) : R := sqrt (inner x x).

Declare Scope vector_scope.
Delimit Scope vector_scope with V.
Bind Scope vector_scope with vector.
Notation "x + y" := (add x y) : vector_scope.
Notation "x - y" := (sub x y) : vector_scope.
Notation "a * x" := (scale a x) : vector_scope.

(** Two vectors are equal when a rule of R says so in every coordinate. *)
Ltac coordinates := apply functional_extensionality; intro; unfold add, sub, scale, zero; try ring.

Section Inner.
Context {n : nat}.
Implicit Types x y z : vector n.

Lemma inner_sym x y : inner x y = inner y x.
Proof. apply total_ext. intros i. ring. Qed.

Lemma inner_add x y z : inner (x + y)%V z = inner x z + inner y z.
Proof. unfold inner. rewrite <- total_plus. apply total_ext. intros i. unfold add. ring. Qed.

Lemma inner_scale a x z : inner (a * x)%V z = a * inner x z.
Proof. unfold inner. rewrite <- total_scale. apply total_ext. intros i. unfold scale. ring. Qed.

Lemma inner_sub x y z : inner (x - y)%V z = inner x z - inner y z.
Proof.
  replace (x - y)%V with (x + (-1) * y)%V by coordinates.
  rewrite inner_add, inner_scale. ring.
Qed.

Lemma inner_zero z : inner zero z = 0.
Proof. replace (@zero n) with (0 * z)%V by coordinates. rewrite inner_scale. ring. Qed.

Lemma inner_add_r x y z : inner z (x + y)%V = inner z x + inner z y.
Proof. now rewrite inner_sym, inner_add, !(inner_sym z). Qed.

Lemma inner_scale_r a x z : inner z (a * x)%V = a * inner z x.
Proof. now rewrite inner_sym, inner_scale, (inner_sym z). Qed.

Lemma inner_sub_r x y z : inner z (x - y)%V = inner z x - inner z y.
Proof. now rewrite inner_sym, inner_sub, !(inner_sym z). Qed.

Lemma inner_zero_r z : inner z zero = 0.
Proof. now rewrite inner_sym, inner_zero. Qed.

Lemma inner_nonnegative x : 0 <= inner x x.
Proof. apply total_nonnegative. intros i. nra. Qed.

Lemma norm_nonnegative x : 0 <= norm x.
Proof. apply sqrt_pos. Qed.

Lemma norm_square x : norm x * norm x = inner x x.
Proof. apply sqrt_sqrt, inner_nonnegative. Qed.

(** linalg.cauchy-schwarz, from the nonnegative square |x - t y|^2 at t = <x, y> / |y|^2. *)
Lemma cauchy_schwarz_square x y : inner x y * inner x y <= inner x x * inner y y.
Proof.
  assert (square : forall t, 0 <= inner x x - 2 * t * inner x y + t * t * inner y y).
  { intros t. replace (inner x x - 2 * t * inner x y + t * t * inner y y) with (inner (x - t * y)%V (x - t * y)%V).
    - apply inner_nonnegative.
    - rewrite inner_sub, !inner_sub_r, !inner_scale, !inner_scale_r, (inner_sym y x). ring. }
  destruct (Rle_lt_or_eq_dec 0 (inner y y) (inner_nonnegative y)) as [positive|none].
  - specialize (square (inner x y / inner y y)).
    replace (inner x x - 2 * (inner x y / inner y y) * inner x y + inner x y / inner y y * (inner x y / inner y y) * inner y y)
      with ((inner x x * inner y y - inner x y * inner x y) / inner y y) in square by (field; lra).
    assert (0 <= (inner x x * inner y y - inner x y * inner x y) / inner y y * inner y y) by nra.
    replace ((inner x x * inner y y - inner x y * inner x y) / inner y y * inner y y)
      with (inner x x * inner y y - inner x y * inner x y) in H by (field; lra).
    lra.
  - rewrite <- none in *. set (c := inner x y) in *.
    destruct (Req_dec c 0) as [orthogonal|not]; [rewrite orthogonal; lra|].
    specialize (square ((inner x x + 1) / (2 * c))).
    replace (2 * ((inner x x + 1) / (2 * c)) * c) with (inner x x + 1) in square by (field; lra). lra.
Qed.

Lemma cauchy_schwarz_abs x y : Rabs (inner x y) <= norm x * norm y.
Proof.
  unfold norm. rewrite <- sqrt_mult by apply inner_nonnegative.
  rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt, cauchy_schwarz_square.
Qed.

Lemma cauchy_schwarz x y : inner x y <= norm x * norm y.
Proof. eapply Rle_trans; [apply Rle_abs | apply cauchy_schwarz_abs]. Qed.

Lemma norm_le_of_square x b : 0 <= b -> inner x x <= b * b -> norm x <= b.
Proof. intros positive square. rewrite <- (sqrt_square b positive). now apply sqrt_le_1_alt. Qed.

(** linalg.triangle *)
Lemma triangle x y : norm (x + y)%V <= norm x + norm y.
Proof.
  assert (0 <= norm x) by apply norm_nonnegative. assert (0 <= norm y) by apply norm_nonnegative.
  apply norm_le_of_square; [lra|].
  rewrite inner_add, !inner_add_r, (inner_sym y x), <- !norm_square.
  assert (inner x y <= norm x * norm y) by apply cauchy_schwarz. nra.
Qed.

Lemma norm_scale a x : norm (a * x)%V = Rabs a * norm x.
Proof.
  unfold norm. rewrite inner_scale, inner_scale_r, <- Rmult_assoc, sqrt_mult_alt by nra.
  now rewrite <- sqrt_Rsqr_abs.
Qed.

Lemma abs_minus_one : Rabs (-1) = 1.
Proof. rewrite Rabs_left; lra. Qed.

Lemma norm_sub_sym x y : norm (x - y)%V = norm (y - x)%V.
Proof. replace (x - y)%V with ((-1) * (y - x))%V by coordinates. rewrite norm_scale, abs_minus_one. ring. Qed.

Lemma norm_zero : norm (@zero n) = 0.
Proof. unfold norm. now rewrite inner_zero, sqrt_0. Qed.

Lemma triangle_sub x y : norm (x - y)%V <= norm x + norm y.
Proof.
  replace (x - y)%V with (x + (-1) * y)%V by coordinates.
  eapply Rle_trans; [apply triangle|]. rewrite norm_scale, abs_minus_one. lra.
Qed.

(** The way from x to z by y. *)
Lemma triangle_by y x z : norm (x - z)%V <= norm (x - y)%V + norm (y - z)%V.
Proof. replace (x - z)%V with ((x - y) + (y - z))%V by coordinates. apply triangle. Qed.

(** A vector is at most b long if its inner product with every u is at most b |u|. *)
Lemma norm_le_dual x b : 0 <= b -> (forall u, inner x u <= b * norm u) -> norm x <= b.
Proof.
  intros positive dual. specialize (dual x). rewrite <- norm_square in dual.
  assert (0 <= norm x) by apply norm_nonnegative.
  destruct (Rle_lt_dec (norm x) b); [assumption | nra].
Qed.

(** mu |x|^2 <= <v, x> gives mu |x| <= |v|: how strong monotonicity becomes a bound on a distance. *)
Lemma distance_from_pairing mu v x : mu * (norm x * norm x) <= inner v x -> mu * norm x <= norm v.
Proof.
  intros pairing. assert (inner v x <= norm v * norm x) by apply cauchy_schwarz.
  assert (0 <= norm x) by apply norm_nonnegative. assert (0 <= norm v) by apply norm_nonnegative.
  destruct (Rle_lt_or_eq_dec 0 (norm x) H0) as [apart|same]; [nra | rewrite <- same; lra].
Qed.

End Inner.

(** ** Sums of vectors over a list of records *)

Fixpoint gather {A : Type} {n} (f : A -> vector n) (records : list A) : vector n :=
  match records with
  | nil => zero
  | cons r rest => (f r + gather f rest)%V
  end.

Fixpoint sum {A : Type} (f : A -> R) (records : list A) : R :=
  match records with
  | nil => 0
  | cons r rest => f r + sum f rest
  end.

Lemma gather_app {A n} (f : A -> vector n) first second :
  gather f (app first second) = (gather f first + gather f second)%V.
Proof. induction first as [|r rest IH]; simpl; [|rewrite IH]; coordinates. Qed.

Lemma sum_app {A} (f : A -> R) first second : sum f (app first second) = sum f first + sum f second.
Proof. induction first as [|r rest IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma inner_gather {A n} (f : A -> vector n) records v : inner (gather f records) v = sum (fun r => inner (f r) v) records.
Proof. induction records as [|r rest IH]; simpl; [apply inner_zero | now rewrite inner_add, IH]. Qed.

Lemma norm_gather {A n} (f : A -> vector n) records b :
  (forall r, In r records -> norm (f r) <= b) -> norm (gather f records) <= INR (length records) * b.
Proof.
  induction records as [|r rest IH]; intros below.
  - simpl. rewrite norm_zero. lra.
  - assert (norm (f r) <= b) by (apply below; now left).
    assert (norm (gather f rest) <= INR (length rest) * b) by (apply IH; intros; apply below; now right).
    change (length (cons r rest)) with (S (length rest)). rewrite S_INR. simpl gather.
    assert (norm (f r + gather f rest)%V <= norm (f r) + norm (gather f rest)) by apply triangle. lra.
Qed.

Lemma sum_le {A} (f g : A -> R) records : (forall r, In r records -> f r <= g r) -> sum f records <= sum g records.
Proof.
  induction records as [|r rest IH]; intros below; simpl; [lra|].
  apply Rplus_le_compat; [apply below; now left | apply IH; intros; apply below; now right].
Qed.

Lemma sum_constant {A} (c : R) (records : list A) : sum (fun _ => c) records = INR (length records) * c.
Proof.
  induction records as [|r rest IH]; [simpl; lra|].
  change (length (cons r rest)) with (S (length rest)). rewrite S_INR. simpl sum. rewrite IH. lra.
Qed.

Lemma sum_scale {A} a (f : A -> R) records : sum (fun r => a * f r) records = a * sum f records.
Proof. induction records as [|r rest IH]; simpl; [|rewrite IH]; ring. Qed.
