package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/store"
)

func userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Add, disable and list operators and admins, reset passwords, make and revoke API tokens",
		Long: "Add, disable and list operators and admins, reset passwords, make and revoke API tokens. Works on the database of DATABASE_URL, " +
			"else on the one of the `parley up` that runs on this machine.",
	}
	cmd.AddCommand(userListCommand(), userAddCommand(), userPasswordCommand(), userTokenCommand(), userTokensCommand(), userRevokeCommand(),
		userAccessCommand("disable", "Log a user out everywhere and let them in no more; what they wrote stays", true),
		userAccessCommand("enable", "Let a disabled user in again", false))
	return cmd
}

func userListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List operators and admins",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				operators, err := s.AllOperators(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, o := range operators {
					access := ""
					if o.DisabledAt != nil {
						access = "disabled"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Email, o.Role, o.Name, access)
				}
				return w.Flush()
			})
		},
	}
}

func userAddCommand() *cobra.Command {
	var name, role string
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add an operator or admin; prints the password unless it is given",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, made, err := choosePassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			if name == "" {
				name, _, _ = strings.Cut(args[0], "@")
			}
			in, err := api.NewOperator{Email: args[0], Name: name, Role: role, Password: password}.Prepare()
			if err != nil {
				return err
			}
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.AddOperator(cmd.Context(), in)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Added %s as %s.\n", o.Email, o.Role)
				printPassword(cmd.OutOrStdout(), password, made)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name that customers and colleagues see (default: the part before the @)")
	cmd.Flags().StringVar(&role, "role", "operator", "operator or admin")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input instead of making one")
	return cmd
}

func userPasswordCommand() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "password EMAIL",
		Short: "Give a user another password and end their sessions and API tokens; prints it unless it is given",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, made, err := choosePassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			hash, err := api.HashPassword(password)
			if err != nil {
				return err
			}
			return onRecord(cmd, func(s *store.Store) error {
				if err := s.SetPassword(cmd.Context(), args[0], hash); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s has another password, and has to log in again. API tokens made before do not work any more.\n", args[0])
				printPassword(cmd.OutOrStdout(), password, made)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input instead of making one")
	return cmd
}

func userAccessCommand(name, short string, disable bool) *cobra.Command {
	return &cobra.Command{
		Use:   name + " EMAIL",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.OperatorByEmail(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if _, err := s.ChangeOperator(cmd.Context(), o.ID, store.OperatorChange{Disabled: &disable}); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is %sd.\n", o.Email, name)
				return nil
			})
		},
	}
}

func userTokenCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "token EMAIL",
		Short: "Make an API token for a program that acts as this user; it is shown once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.OperatorByEmail(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				token, in := api.NewAPIToken(o.ID, name)
				if err := s.AddAPIToken(cmd.Context(), in); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), token)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "command line", "what the token is for")
	return cmd
}

func userTokensCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "tokens EMAIL",
		Short: "List the API tokens of a user: how they begin, what they are for, and when they were last used",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.OperatorByEmail(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				tokens, err := s.APITokens(cmd.Context(), o.ID)
				if err != nil {
					return err
				}
				return printTokens(cmd.OutOrStdout(), tokens)
			})
		},
	}
}

func printTokens(out io.Writer, tokens []store.APIToken) error {
	if len(tokens) == 0 {
		fmt.Fprintln(out, "No API tokens.")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOKEN\tCREATED\tLAST USED\tNAME")
	for _, t := range tokens {
		named, used := t.Prefix, "not known"
		if named == "" {
			named = t.ID.String() // made before either was noted
		} else {
			used = "never"
		}
		if t.Used != nil {
			used = t.Used.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", named, t.Created.Local().Format(time.DateTime), used, t.Name)
	}
	return w.Flush()
}

func userRevokeCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "revoke EMAIL {TOKEN | --all}",
		Short: "End an API token of a user; TOKEN is what `parley user tokens` shows of it",
		Args: func(_ *cobra.Command, args []string) error {
			if all && len(args) == 1 || !all && len(args) == 2 {
				return nil
			}
			return errors.New("name a user and one of their API tokens, or say --all")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.OperatorByEmail(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if all {
					n, err := s.RevokeAPITokens(cmd.Context(), o.ID)
					if err == nil {
						fmt.Fprintf(cmd.OutOrStdout(), "API tokens of %s that do not work any more: %d.\n", o.Email, n)
					}
					return err
				}
				token, err := s.RevokeAPIToken(cmd.Context(), o.ID, args[1])
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "The API token %q of %s does not work any more.\n", token.Name, o.Email)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all API tokens of the user")
	return cmd
}

// onRecord runs f on the record of the installation that the command is for.
func onRecord(cmd *cobra.Command, f func(s *store.Store) error) error {
	cfg, err := operatorConfig()
	if err != nil {
		return err
	}
	return withStore(cmd.Context(), cfg, f)
}

// choosePassword reads a password from stdin, or makes one.
func choosePassword(stdin io.Reader, fromStdin bool) (password string, made bool, err error) {
	if !fromStdin {
		return newPassword(), true, nil
	}
	line, err := bufio.NewReader(stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", false, fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), false, nil
}

func printPassword(out io.Writer, password string, made bool) {
	if made {
		fmt.Fprintf(out, "Password: %s\n", password)
	}
}
