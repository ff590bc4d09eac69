package dynamo

import "slices"

// legacyParameters are the conditional parameters from before expressions.
var legacyParameters = []string{
	"AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected", "KeyConditions", "QueryFilter", "ScanFilter"}

// request decodes a request's members; field consumes the value of a member that the operation has, and reports whether it has it.
func (r *reader) request(field func(name string) bool) {
	r.object(func(name string) {
		if field(name) || r.err != nil {
			return
		}
		if slices.Contains(legacyParameters, name) {
			r.fail(validationf("The legacy parameter %s is not supported by this engine: use expressions", name))
		} else {
			r.fail(validationf("The parameter %s is not supported by this engine", name))
		}
	})
}

// optional reads a string parameter of which "" and absence differ.
func (r *reader) optional() *string {
	s := r.text()
	return &s
}

// oneOf reads an enumerated parameter.
func (r *reader) oneOf(parameter string, allowed ...string) string {
	s := r.text()
	if r.err == nil && !slices.Contains(allowed, s) {
		r.fail(validationf("1 validation error detected: Value %q at %q failed to satisfy constraint: Member must satisfy enum value set: %v",
			s, parameter, allowed))
	}
	return s
}

// capacityMode reads ReturnConsumedCapacity.
func (r *reader) capacityMode() string {
	return r.oneOf("returnConsumedCapacity", "NONE", "TOTAL", "INDEXES")
}

// writeCosts reads the parameters of a write that ask what it cost: how much capacity, and of which item collections.
func (r *reader) writeCosts(name string, capacity *string) bool {
	switch name {
	case "ReturnConsumedCapacity":
		*capacity = r.capacityMode()
	case "ReturnItemCollectionMetrics":
		r.oneOf("returnItemCollectionMetrics", "NONE") // SIZE is refused
	default:
		return false
	}
	return true
}

// field reads the two placeholder parameters.
func (p *placeholders) field(r *reader, name string) bool {
	switch name {
	case "ExpressionAttributeNames":
		r.object(func(key string) {
			p.names = append(p.names, placeholder{key: key, name: r.text()})
			r.checkPlaceholder(name, key, '#')
			r.notEmpty(name+"."+key, len(p.names[len(p.names)-1].name))
		})
		r.notEmpty(name, len(p.names))
	case "ExpressionAttributeValues":
		r.object(func(key string) {
			p.values = append(p.values, placeholder{key: key, value: r.value()})
			r.checkPlaceholder(name, key, ':')
		})
		r.notEmpty(name, len(p.values))
	default:
		return false
	}
	return true
}

func (r *reader) checkPlaceholder(parameter, key string, first byte) {
	if r.err == nil && (len(key) < 2 || key[0] != first || word(key, 1) != len(key)) {
		r.fail(validationf("%s contains invalid key: Syntax error; key: %q", parameter, key))
	}
}

func (r *reader) notEmpty(parameter string, n int) {
	if r.err == nil && n == 0 {
		r.fail(validation(parameter + " must not be empty"))
	}
}
